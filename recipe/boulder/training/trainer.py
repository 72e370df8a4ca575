"""`train`: trains phases in order, epoch by epoch.

The result is a function of the arguments. Sequence order and dropout derive from (seed, epoch, step), each phase begins
from a checkpoint, and an interrupted epoch resumes with the next batch. The final checkpoint therefore does not depend on
where the process was stopped, or on how phases are spread over jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from typing import Any

from boulder.atomic_file import link, write_text
from boulder.data import default_num_workers
from boulder.errors import CheckpointError, named
from boulder.network.lstm_kernels import lstm_kernels
from boulder.training.best_so_far import stopped_epoch
from boulder.training.checkpoint import Checkpoint
from boulder.training.data_checks import check_data
from boulder.training.dumps import Dumps
from boulder.training.epoch import train_epoch
from boulder.training.interrupt import Interrupt
from boulder.training.learning_rate.file import write_learning_rates
from boulder.training.models import Models
from boulder.training.phase import TrainingPhase
from boulder.training.phase_data import PhaseData
from boulder.training.phase_start import at_best_epoch, start_phase
from boulder.training.progress import Progress
from boulder.training.replicas import OneReplica, make_replicas
from boulder.training.run import TrainingFiles, TrainingRun
from boulder.training.step_errors import told_with
from boulder.training.store import CheckpointStore, ForeignStore
from boulder.training.tensorflow_options import prepare_tensorflow


def train(
    phases: Sequence[TrainingPhase],
    extern_data: dict[str, Any],
    files: TrainingFiles,
    say: Callable[[str], None],
    gpus: int = 1,
    nodes: int = 1,
    num_workers: int | None = None,
    losses: Collection[str] = (),
) -> None:
    """
    Train phases and write the last checkpoint, resuming from the newest checkpoint of this job if there is one.

    :param phases: in order, without a gap
    :param say: receives one line of log at a time
    :param gpus: number of GPUs per node; they share each batch
    :param nodes: number of processes, started by the scheduler; only rank 0 writes files
    :param num_workers: number of threads that read batches, which changes no number; None: see `default_num_workers`
    :param losses: keys of the scores of the whole training, see `boulder.training.epoch_line`
    :raises BoulderError: for input that cannot be trained on
    :raises SystemExit: after a signal, once a checkpoint is saved; or if the process of another node has died
    """
    prepare_tensorflow()
    replicas = make_replicas(gpus, nodes)
    if replicas.is_chief:
        files.begin()
    store = CheckpointStore(files.store) if replicas.is_chief else ForeignStore(files.store)
    with ExitStack() as stack:
        stack.enter_context(replicas.failures())
        dumps = Dumps(phases, extern_data, files.store.with_name("dumps"), files.dumps)
        data = stack.enter_context(PhaseData(extern_data, dumps))
        state = _start_state(phases[0].first_epoch, store, replicas, files, say)
        if state and replicas.is_chief:
            _keep_again(state, store, files)
        models = Models()
        workers = num_workers or default_num_workers()
        interrupt = stack.enter_context(Interrupt())
        progress = stack.enter_context(Progress(files.progress if replicas.is_chief else None))
        for phase in phases:
            if state and stopped_epoch(state.history):
                break
            if state and state.finished_epochs >= phase.last_epoch:
                continue  # finished before the job was interrupted
            run = TrainingRun(files, *data.of(phase), replicas, store, interrupt, progress, dumps, say, workers, losses)
            with told_with(f"{phase.index_name}: create the network", None, None, replicas):
                model, state = start_phase(phase, extern_data, state, run, models)
            with named(phase.index_name):
                kernels = lstm_kernels(model.spec, bool(phase.options.maximize_grad_norm))
            if kernels:
                say(f"{phase.name}: {kernels}")
            check_data(phase, model.spec, state.finished_epochs + 1, run.train_data, run.scored_data, say)
            for epoch in phase.epochs:
                if epoch > state.finished_epochs and not stopped_epoch(state.history):
                    data.check_unchanged()
                    model = at_best_epoch(epoch, model, phase, state, run, models)
                    train_epoch(epoch, model, phase, state, run)
        if replicas.is_chief:
            _write_result(store, files)
            if state and (stopped := stopped_epoch(state.history)):
                say(f"training stopped after epoch {stopped}: {state.history[-1].get('stopped')}")
                _complete_stopped(phases, state, files)
                dumps.fill()
        replicas.barrier()  # other processes finish once rank 0 has written the result
    say(f"done: {files.checkpoint}")


def _write_result(store: CheckpointStore, files: TrainingFiles) -> None:
    """The result is the newest checkpoint; that of the previous job if training had stopped before this one."""
    paths = store.paths()
    newest = paths[0] if paths else files.previous
    assert newest is not None  # a job without a previous one trains an epoch
    link(newest, files.checkpoint)


def _complete_stopped(phases: Sequence[TrainingPhase], state: Checkpoint, files: TrainingFiles) -> None:
    """Write the outputs that epochs would have written which are not trained: what comes later needs them."""
    if not files.scores.exists():
        write_text(files.scores, "")
    if files.learning_rates and not files.learning_rates.exists():
        write_learning_rates(files.learning_rates, state.history)
    if files.kept:
        files.kept.fill(range(phases[0].first_epoch, phases[-1].last_epoch), files.checkpoint)


def _keep_again(state: Checkpoint, store: CheckpointStore, files: TrainingFiles) -> None:
    """The job may have been killed between saving a checkpoint of its own and keeping it."""
    path = store.path(state.epoch, 0)
    if files.kept and state.position is None and state.history and path.exists():
        files.kept.update(path, state.history)


def _start_state(
    first_epoch: int, store: CheckpointStore, replicas: OneReplica, files: TrainingFiles, say: Callable[[str], None]
) -> Checkpoint | None:
    """
    :return: the newest checkpoint of this job, else that of the previous job, else None
    :raises CheckpointError: if it is older than the epoch before `first_epoch`
    """
    state = _newest(store, replicas, say) or (Checkpoint.load(files.previous) if files.previous else None)
    if state is None and first_epoch != 1:
        raise CheckpointError(
            f"training begins at epoch {first_epoch} and needs the checkpoint of epoch {first_epoch - 1}"
        )
    if state is not None and state.epoch < first_epoch - 1 and not stopped_epoch(state.history):
        raise CheckpointError(f"training begins at epoch {first_epoch}, but the checkpoint is of epoch {state.epoch}")
    return state


def _newest(store: CheckpointStore, replicas: OneReplica, say: Callable[[str], None]) -> Checkpoint | None:
    """:return: the checkpoint of this job from which rank 0 resumes; None if there is none"""
    state = store.newest(say)
    epoch = replicas.from_chief(state.epoch if state else 0)
    batch = replicas.from_chief(state.batches_done if state else 0)
    return state if replicas.is_chief or not epoch else store.load(epoch, batch)
