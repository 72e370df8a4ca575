"""Scores of a data set under the current parameters."""

from __future__ import annotations

from functools import partial

from boulder.data import Dataset
from boulder.data.read_errors import told_of
from boulder.training.checkpoint import Checkpoint
from boulder.training.epoch_steps import steps_to_score
from boulder.training.model import Model
from boulder.training.named_sequences import faults_of
from boulder.training.phase import TrainingPhase
from boulder.training.run import TrainingRun
from boulder.training.scores import Sums
from boulder.training.step_errors import BatchContents, told_with

MOST_LINES = 5


def evaluate(
    name: str, dataset: Dataset, model: Model, phase: TrainingPhase, state: Checkpoint, run: TrainingRun
) -> tuple[Sums, list[str]]:
    """
    :param name: of the data set; `max_seq_length` applies to "dev" only, as in RETURNN
    :return: sums over the whole data set, without dropout; a line for each batch with a score that is not finite, which names
        sequences, of `MOST_LINES` batches at most
    :raises SystemExit: after a signal; the position saved is the end of the epoch, so only this pass is repeated
    """
    options = phase.options
    faults: list[str] = []
    sums = Sums(model.spec, options.calculate_exp_loss)
    batches = steps_to_score(dataset, state.epoch, options, model.replicas, run.num_workers, limited=name == "dev")
    run.progress.begin(f"scores of {name}", batches.count, 0)
    run.dumps.begin(state.epoch, name)
    for number, batch in enumerate(told_of(f"{name} data", batches)):
        contents = partial(BatchContents.of_step, batch, model.replicas)
        with told_with(f"epoch {state.epoch}, scores of {name}, batch {number}", contents, model.spec, model.replicas):
            scored = model.evaluate(batch.shares, state.step)
            sums.add(scored.losses)
        if len(faults) < MOST_LINES and (fault := faults_of(batch, scored.losses, model.replicas)):
            faults.append(fault)
        if scored.dumped:
            run.dumps.add(batch.tags(), scored.dumped)
        run.progress.advance(sums)
        run.stop_if_asked(model, state)
        run.save_if_due(model, state)
    run.dumps.end()
    return sums, faults
