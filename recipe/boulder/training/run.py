"""The surroundings of a training run: what every epoch of it uses."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from boulder.data import Dataset
from boulder.training.checkpoint import Checkpoint
from boulder.training.dumps import Dumps
from boulder.training.growth import GrowthReport
from boulder.training.interrupt import Interrupt
from boulder.training.kept_folder import KeptFolder
from boulder.training.model import Model
from boulder.training.phase import TrainingPhase
from boulder.training.progress import Progress
from boulder.training.replicas import OneReplica
from boulder.training.store import CheckpointStore


@dataclass(frozen=True)
class TrainingFiles:
    """
    :param previous: checkpoint of the previous job; None for the first
    :param store: folder for the checkpoints of this job
    :param checkpoint: the final checkpoint, written at the end
    :param scores: JSON lines, one per epoch
    :param growth: called with (phase, report) at each hand-over
    :param tensorboard: folder for TensorBoard's event files
    :param learning_rates: rates and scores of all epochs so far, in RETURNN's format; None for no such file
    :param progress: state of the running epoch, see `boulder.training.progress`
    :param kept: keeps checkpoints of some epochs; None: of none
    :param checkpoint_minutes: within an epoch, save when so much time has passed since the last checkpoint; None: never
    :param begin: called first, by rank 0 only
    :param dumps: folder of the files of `hdf_dump` layers; None: they only exist during the training
    """

    previous: Path | None
    store: Path
    checkpoint: Path
    scores: Path
    tensorboard: Path
    progress: Path
    growth: Callable[[TrainingPhase, GrowthReport], None]
    kept: KeptFolder | None = None
    checkpoint_minutes: float | None = None
    begin: Callable[[], None] = lambda: None
    learning_rates: Path | None = None
    dumps: Path | None = None


@dataclass(frozen=True)
class TrainingRun:
    """
    :param train_data: data set of the phase to train on
    :param scored_data: name → data set of the phase to score after each epoch, in this order; "dev" is the first, if given
    :param say: receives one line of log at a time
    :param num_workers: number of threads that read batches
    :param losses: keys of the scores of the whole training, see `describe_record`
    """

    files: TrainingFiles
    train_data: Dataset
    scored_data: Mapping[str, Dataset]
    replicas: OneReplica
    store: CheckpointStore
    interrupt: Interrupt
    progress: Progress
    dumps: Dumps
    say: Callable[[str], None]
    num_workers: int
    losses: Collection[str] = ()

    def save(self, model: Model, state: Checkpoint) -> Path:
        """
        Store the model's current values as the checkpoint of `state`.

        :raises CheckpointError: if it cannot be written
        """
        self.dumps.sync()
        state.params, state.averages = model.values(), model.averages()
        state.loss_scale = model.loss_scale.state() if model.loss_scale else None
        state.slots, state.iterations = model.slots(), model.iterations
        return self.store.save(state)

    def save_if_due(self, model: Model, state: Checkpoint) -> None:
        """Save after `checkpoint_minutes` without a checkpoint. Rank 0 alone decides: this changes no number."""
        minutes = self.files.checkpoint_minutes
        if minutes is not None and self.replicas.is_chief and self.store.minutes_since_save >= minutes:
            self.save(model, state)

    def stop_if_asked(self, model: Model, state: Checkpoint) -> None:
        """:raises SystemExit: after saving, if any process has received a signal"""
        if not self.replicas.any(self.interrupt.wanted is not None):
            return
        path = self.save(model, state)
        self.replicas.barrier()  # a process that ends early may take rank 0 down with it
        reason = self.interrupt.wanted or "another process was told to stop"
        raise SystemExit(f"{reason}: stopped in epoch {state.epoch}; saved in {path}")
