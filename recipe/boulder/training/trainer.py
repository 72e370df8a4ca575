"""Training, read from top to bottom: `train` goes through the phases, each through its epochs, each through its batches.

All it does follows from its arguments. Sequence order and dropout are drawn from (seed, epoch, step), every phase begins
from a checkpoint file, and an epoch that was cut off goes on with the batch after the last one, so that the final
checkpoint does not depend on whether or where the process was stopped, or on how phases are spread over jobs.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from boulder.data import form_batches, sequence_order, shares_of_epoch
from boulder.errors import CheckpointError, TrainingError
from boulder.lazy import tf
from boulder.network import describe
from boulder.network.initializers import initial_value
from boulder.schedule.canonical import canonical
from boulder.training.checkpoint import Checkpoint
from boulder.training.growth import GrowthReport, begin_phase, carry_iterations, carry_slots
from boulder.training.interrupt import Interrupt
from boulder.training.model import Model
from boulder.training.phase import TrainingPhase
from boulder.training.phase_data import PhaseData
from boulder.training.progress import Progress
from boulder.training.replicas import OneReplica, make_replicas
from boulder.training.scores import Sums, describe_record, scaled_losses, write_score, write_tensorboard
from boulder.training.store import CheckpointStore, ForeignStore


@dataclass(frozen=True)
class TrainingFiles:
    """
    :param previous: checkpoint of the job before, None for the first
    :param store: folder for checkpoints of this job
    :param checkpoint: the last checkpoint, when all is done
    :param scores: JSON lines, one for each epoch
    :param growth: called with (phase, report) at each hand-over
    :param tensorboard: folder for TensorBoard's event files
    :param progress: says how far the epoch is, see `boulder.training.progress`
    :param begin: called before all else, by the process that writes
    """

    previous: Path | None
    store: Path
    checkpoint: Path
    scores: Path
    tensorboard: Path
    progress: Path
    growth: Callable[[TrainingPhase, GrowthReport], None]
    begin: Callable[[], None] = lambda: None


def train(
    phases: Sequence[TrainingPhase],
    extern_data: dict,
    files: TrainingFiles,
    say: Callable[[str], None],
    gpus: int = 1,
    nodes: int = 1,
) -> None:
    """
    :param phases: in order, without a gap
    :param say: is told what happens, a line at a time
    :param gpus: so many on each node share the batches
    :param nodes: so many processes do this, which the scheduler has started; the first alone writes
    :raises BoulderError: for input that cannot be trained on, see each part
    :raises SystemExit: after a signal, when a checkpoint is written; or where another node's process is gone
    """
    tf.config.experimental.enable_op_determinism()
    replicas = make_replicas(gpus, nodes)
    if replicas.is_chief:
        files.begin()
    store = CheckpointStore(files.store) if replicas.is_chief else ForeignStore(files.store)
    with replicas.failures(), PhaseData(extern_data) as data:
        state = _newest(store, replicas, say) or (Checkpoint.load(files.previous) if files.previous else None)
        _check_start(state, phases)
        with Interrupt() as interrupt, Progress(files.progress if replicas.is_chief else None) as progress:
            for phase in phases:
                if state and state.epoch - bool(state.position) >= phase.last_epoch:
                    continue  # done before the job was cut off
                train_data, dev_data = data.of(phase)
                model, state = _begin_phase(phase, extern_data, state, train_data, replicas, files, say)
                for epoch in phase.epochs:
                    if state.epoch > epoch or (state.epoch == epoch and not state.position):
                        continue
                    rate = phase.learning_rates[epoch - phase.first_epoch]
                    began, worked = time.monotonic(), time.process_time()

                    def stop_if_asked(model=model, state=state):
                        if replicas.any(interrupt.wanted is not None):
                            path = _store_model(model, state, store)
                            replicas.barrier()  # a process that ends early might take the chief with it
                            why = interrupt.wanted or "another process was told to stop"
                            raise SystemExit(f"{why}: stopped in epoch {state.epoch}; saved in {path}")

                    sums, size = _train_epoch(
                        model, phase, epoch, rate, state, train_data, store, progress, stop_if_asked
                    )
                    record = {"epoch": epoch, "index": phase.index, "learning_rate": rate, "train": sums.means()}
                    record |= scaled_losses(model.spec)
                    if dev_data:
                        record["dev"] = _evaluate(model, dev_data, phase, state.step, progress, stop_if_asked).means()
                    state.history, state.position = [*state.history, record], None
                    took = {"seconds": time.monotonic() - began, "processor_seconds": time.process_time() - worked}
                    timed = took | size
                    if replicas.is_chief:  # before the checkpoint: they must not be missing after it
                        write_score(files.scores, record | timed)
                        write_tensorboard(files.tensorboard, record | timed)
                    _store_model(model, state, store)
                    say(describe_record(record | timed))
                    stop_if_asked()
        if replicas.is_chief:
            _hand_over(store, files.checkpoint)
        replicas.barrier()  # done is what the chief has handed over
    say(f"done: {files.checkpoint}")


def _newest(store: CheckpointStore, replicas: OneReplica, say: Callable[[str], None]) -> Checkpoint | None:
    """:return: the checkpoint of this job that the chief goes on from, None if there is none"""
    state = store.newest(say)
    epoch = replicas.from_chief(state.epoch if state else 0)
    batch = replicas.from_chief(state.position["batch"] if state and state.position else 0)
    return state if replicas.is_chief or not epoch else store.load(epoch, batch)


def _check_start(state: Checkpoint | None, phases: Sequence[TrainingPhase]) -> None:
    """:raises CheckpointError: if the checkpoint to begin with is not of the epoch before"""
    first = phases[0].first_epoch
    if state is None and first != 1:
        raise CheckpointError(f"training begins at epoch {first} and needs the checkpoint of epoch {first - 1}")
    if state is not None and state.epoch < first - 1:
        raise CheckpointError(f"training begins at epoch {first}, but the checkpoint is of epoch {state.epoch}")


def _begin_phase(phase, extern_data, state: Checkpoint | None, reader, replicas, files: TrainingFiles, say):
    """:return: (model, state) with the parameters of `state` in it: as they are within a phase, grown at its border"""
    spec = describe(phase.network, extern_data).trained_only(phase.trainable_layers)
    seed = phase.options.random_seed

    def fresh(param):
        return initial_value(param.init, param.shape, seed, param.path, param.dtype)

    same_phase = state is not None and state.phase_start == phase.start
    if same_phase:
        params = state.params
    else:
        old, old_specs, step = (state.params, state.specs, state.step) if state else ({}, {}, 0)
        begun = begin_phase(phase, spec, old, old_specs, fresh, step)
        params = begun.params
        if replicas.is_chief:
            files.growth(phase, begun.report)
        say(f"{phase.name}: {spec.num_params} parameter values; {begun.report}")
    model = Model(spec, params, phase.options, reader, replicas)
    if same_phase:
        model.set_slots(state.slots, state.iterations)
        position = f", {state.position['batch']} batches of epoch {state.epoch} done" if state.position else ""
        say(f"{phase.name}: going on after epoch {state.epoch - bool(state.position)}{position}")
        return model, state
    if state and phase.carry_optimizer != "reset":
        carry, initial = phase.carry_optimizer, model.slots()
        slots = carry_slots(
            carry, state.slots, initial, begun.old_specs, spec.params, phase.copy_param_mode, begun.options
        )
        model.set_slots(slots, carry_iterations(carry, state.iterations, state.slots, initial))
    return model, Checkpoint(
        epoch=phase.first_epoch - 1,
        step=state.step if state else 0,
        phase_start=phase.start,
        index=phase.index,
        network=canonical(phase.network),  # a function in it is named by its digest: a checkpoint holds no code
        specs=spec.params,
        params=params,
        history=state.history if state else [],
    )


def _train_epoch(
    model, phase, epoch, rate, state: Checkpoint, reader, store, progress, stop_if_asked
) -> tuple[Sums, dict]:
    """
    :param state: its position is kept up to date
    :return: the epoch's sums, and how large it is: steps, frames without padding
    :raises TrainingError: if a loss or gradient is not finite
    """
    options, position = phase.options, state.position or {"batch": 0, "sums": {}}
    order = reader.epoch_order(epoch, options.random_seed, default=options.batching)
    batches = form_batches(order, reader.measured_lengths, options.batch_size, options.max_seqs)
    sums, done = Sums(position["sums"]), position["batch"]
    state.epoch = epoch
    model.optimizer.learning_rate.assign(rate)
    progress.begin(f"epoch {epoch} ({phase.index_name})", len(batches), done)
    replicas = model.replicas
    for shares in shares_of_epoch(reader, batches, replicas.count, replicas.here, start=done):
        losses, norm, finite = model.step(shares, tf.constant(state.step, tf.int64))
        if not finite:
            raise TrainingError(_not_finite(epoch, done, losses, norm, reader.tags(batches[done]), store))
        sums.add(losses)
        state.step += 1
        done += 1
        progress.advance(sums)
        state.position = {"batch": done, "sums": sums.sums}
        stop_if_asked()
    return sums, {"steps": len(batches), "frames": int(reader.order_lengths[order].sum())}


def _not_finite(epoch, batch_number, losses, norm, tags, store) -> str:
    costs = ", ".join(f"loss {layer!r} = {float(loss.cost):g}" for layer, loss in losses.items())
    newest = store.paths()[:1]
    kept = f"the last good checkpoint is {newest[0]}" if newest else "no epoch was finished before it"
    tags = ", ".join(tags[:5]) + (f", … ({len(tags)} sequences)" if len(tags) > 5 else "")
    return (
        f"epoch {epoch}, batch {batch_number}: loss or gradient is not finite ({costs}, gradient norm {float(norm):g}) "
        f"on the sequences {tags}; nothing was updated with it, {kept}. A lower learning rate or 'gradient_clip' may help"
    )


def _evaluate(model, reader, phase, step: int, progress, stop_if_asked) -> Sums:
    """:return: sums over the whole data set, without dropout"""
    options, sums = phase.options, Sums()
    order = sequence_order("sorted", reader.order_lengths, 0, 0)  # least padding; the sums do not care
    batches = form_batches(order, reader.measured_lengths, options.batch_size, options.max_seqs)
    progress.begin("dev", len(batches), 0)
    for shares in shares_of_epoch(reader, batches, model.replicas.count, model.replicas.here):
        sums.add(model.evaluate(shares, tf.constant(step, tf.int64)))
        progress.advance(sums)
        stop_if_asked()  # the epoch's position is its end: only this pass is done again
    return sums


def _store_model(model: Model, state: Checkpoint, store: CheckpointStore) -> Path:
    state.params, state.slots, state.iterations = model.values(), model.slots(), int(model.optimizer.iterations.numpy())
    return store.save(state)


def _hand_over(store: CheckpointStore, target: Path) -> None:
    """Puts the last checkpoint where the next job finds it, under a temporary name first."""
    temporary = target.with_name(f".{target.name}.part")
    shutil.copyfile(store.paths()[0], temporary)
    temporary.replace(target)
