"""One epoch: the batches that remain of it, the scores, and the checkpoint."""

from __future__ import annotations

import math
import time
from functools import partial

import numpy

from boulder.data.read_errors import told_of
from boulder.errors import BoulderError, DataError, TrainingError
from boulder.network import uses_streams
from boulder.training.best_so_far import epochs_to_hold, why_stop
from boulder.training.checkpoint import Checkpoint
from boulder.training.epoch_line import describe_record
from boulder.training.epoch_steps import Step, steps_to_train
from boulder.training.evaluation import evaluate
from boulder.training.history import EpochRecord, TimedRecord
from boulder.training.learning_rate.file import write_learning_rates
from boulder.training.learning_rate.within_epoch import StepRates
from boulder.training.model import Model
from boulder.training.named_sequences import not_finite_data, some_tags
from boulder.training.phase import TrainingPhase
from boulder.training.run import TrainingRun
from boulder.training.score_warnings import warnings_of
from boulder.training.scores import Sums, loss_scales, write_score, write_tensorboard
from boulder.training.step_errors import BatchContents, told_with
from boulder.training.step_result import StepResult


def train_epoch(epoch: int, model: Model, phase: TrainingPhase, state: Checkpoint, run: TrainingRun) -> None:
    """
    Train an epoch, or what remains of an interrupted one, score the data sets for evaluation, and save a checkpoint.

    :param state: updated in place
    :raises TrainingError: if a loss, a gradient or the learning rate is not finite
    :raises SystemExit: after a signal, once a checkpoint is saved
    """
    began, worked = time.monotonic(), time.process_time()
    rate = _learning_rate(epoch, phase, state)
    if notice := phase.learning_rate_control.notice(epoch, state.history):
        run.say(f"epoch {epoch}: {notice}")
    rates = StepRates(phase.options, epoch, rate, phase.start, state.phase_step)
    first_rate = rates.at(state.step - state.batches_done * phase.counts_steps)
    sums, steps, frames, skipped = _train_batches(epoch, rates, model, phase, state, run)
    record: EpochRecord = {"epoch": epoch, "index": phase.index, "learning_rate": rate, "train": sums.means()}
    if numpy.float32(first_rate) != numpy.float32(rate):
        record["effective_learning_rate"] = first_rate
    if scales := loss_scales(model.spec):
        record["scales"] = scales
    scored = {name: evaluate(name, data, model, phase, state, run) for name, data in run.scored_data.items()}
    scores = {name: of_data.means() for name, (of_data, _) in scored.items()}
    if "dev" in scores:
        record["dev"] = scores.pop("dev")
    if scores:
        record["eval"] = dict(scores)
    if reason := why_stop(phase, [*state.history, record]):
        record["stopped"] = reason
    if reason or epoch == phase.last_epoch:
        run.dumps.end_phase(phase, epoch)
    state.history, state.position = [*state.history, record], None
    _hold_parameters(epoch, model, phase, state)
    timed: TimedRecord = {
        **record,
        "seconds": time.monotonic() - began,
        "processor_seconds": time.process_time() - worked,
        "steps": steps,
        "frames": frames,
    }
    if skipped:
        timed["skipped"] = skipped
    if measure := model.spec.measure:
        timed["measure"] = measure
    every_sum = {"train": sums} | {name: of_data for name, (of_data, _) in scored.items()}
    faults = {name: found for name, (_, found) in scored.items()}
    if warnings := warnings_of(record, every_sum, faults, "chunks" if phase.options.chunking else "sequences"):
        timed["warnings"] = warnings
    if run.replicas.is_chief:  # before the checkpoint, so that no epoch is missing from them
        write_score(run.files.scores, timed)
        write_tensorboard(run.files.tensorboard, timed)
        if run.files.learning_rates:
            write_learning_rates(run.files.learning_rates, state.history)
    path = run.save(model, state)
    if run.files.kept and run.replicas.is_chief:
        run.files.kept.update(path, state.history)
    run.say(describe_record(timed, run.losses))
    for line in timed.get("warnings", ()):
        run.say(f"warning: {line}")
    run.stop_if_asked(model, state)


def _hold_parameters(epoch: int, model: Model, phase: TrainingPhase, state: Checkpoint) -> None:
    """Hold the parameters, and the number of steps, to which a later epoch may return."""
    wanted = epochs_to_hold(phase, state.history)
    state.earlier = {held: values for held, values in state.earlier.items() if held in wanted}
    if epoch in wanted:
        state.earlier[epoch] = model.values()
    steps = {**state.earlier_steps, epoch: state.step}
    state.earlier_steps = {held: steps[held] for held in state.earlier}


def _learning_rate(epoch: int, phase: TrainingPhase, state: Checkpoint) -> float:
    """:raises TrainingError: if the control returns a negative number or one that is not finite"""
    control = phase.learning_rate_control
    rate = control.rate(epoch, state.history)
    if not 0 <= rate < math.inf:
        raise TrainingError(
            f"epoch {epoch} ({phase.index_name}): learning_rate_control {control.name!r} returned {rate!r}, expected a "
            "finite number, 0 or more"
        )
    return rate


def _train_batches(
    epoch: int, rates: StepRates, model: Model, phase: TrainingPhase, state: Checkpoint, run: TrainingRun
) -> tuple[Sums, int, int, int]:
    """
    :return: the sums of the whole epoch, its number of batches, its number of frames in the stream of the order, and the
        number of batches without an update since loss or gradient was not finite
    :raises TrainingError: if a loss or gradient is not finite, or the train data changed in the middle of the epoch
    """
    fingerprint = run.train_data.full_fingerprint()
    options, streams = phase.options, uses_streams(model.spec)
    batches = steps_to_train(run.train_data, epoch, options, streams, run.replicas, run.num_workers, state.position)
    if state.position and state.position.get("train_data", fingerprint) != fingerprint:  # older positions have none
        raise TrainingError(
            f"epoch {epoch} ({phase.index_name}): the train data has changed since the job was interrupted in the middle of "
            "this epoch; restore the data to resume, or rerun the phase from its start with `boulder rerun`"
        )
    before = state.position["sums"] if state.position else {}
    sums, done = Sums(model.spec, options.calculate_exp_loss, before), state.batches_done
    skipped = state.position.get("skipped", 0) if state.position else 0
    if batches.count is not None:
        _tell_of_open_sum(epoch, batches.count, phase, run)
    state.epoch = epoch
    run.progress.begin(f"epoch {epoch} ({phase.index_name})", batches.count, done)
    run.dumps.begin(epoch, "train", state.position.get("dumped") if state.position else None)
    for batch in told_of("train data", batches):
        if options.reset_updater_vars_mod_step and done % options.reset_updater_vars_mod_step == 0:
            model.reset_slots()
        model.updater.learning_rate.assign(rates.at(state.step))
        contents = partial(BatchContents.of_step, batch, run.replicas)
        with told_with(f"epoch {epoch}, batch {done}", contents, model.spec, run.replicas):
            result = model.step(batch.shares, state.step)
        if result.finite:
            sums.add(result.losses)
        elif result.overflow:
            run.say(f"epoch {epoch}, batch {done}: a gradient overflows float16; no update, and half the loss scale")
            sums.add(result.losses)
            skipped += 1
        elif options.stop_on_nonfinite_train_score:
            raise _not_finite(epoch, done, result, batch, run)
        else:
            run.say(f"{_where_not_finite(epoch, done, result, batch, run)}; it made no update")
            skipped += 1
        if result.dumped:
            run.dumps.add(batch.tags(), result.dumped)
        state.step += phase.counts_steps
        done += 1
        run.progress.advance(sums)
        state.position = {"batch": done, "sums": sums.sums, "train_data": fingerprint, **batch.after}
        if skipped:
            state.position["skipped"] = skipped
        if sizes := run.dumps.sizes:
            state.position["dumped"] = sizes
        run.stop_if_asked(model, state)
        run.save_if_due(model, state)
    run.dumps.end()
    if batches.count is None:
        _tell_of_open_sum(epoch, done, phase, run)
    return sums, done, batches.frames, skipped


def _tell_of_open_sum(epoch: int, batches: int, phase: TrainingPhase, run: TrainingRun) -> None:
    period = phase.options.accum_grad_multiple_step
    if period > 1 and batches % period and epoch == phase.start:
        run.say(
            f"epoch {epoch}: 'accum_grad_multiple_step' is {period}, which does not divide the {batches} batches of this "
            "epoch; as in RETURNN, a sum of gradients goes on in the next epoch, and is lost where a new optimizer begins"
        )


def _where_not_finite(epoch: int, number: int, result: StepResult, batch: Step, run: TrainingRun) -> str:
    where = f"epoch {epoch}, batch {number}"
    if faults := not_finite_data(batch, run.replicas):
        return f"{where}: found values in the data that are not finite: {faults}"
    costs = ", ".join(f"loss {layer!r} = {loss.cost:g}" for layer, loss in result.losses.items())
    return (
        f"{where}: loss or gradient is not finite ({costs}, gradient norm {result.norm:g}) "
        f"on the sequences {some_tags(batch)}"
    )


def _not_finite(epoch: int, number: int, result: StepResult, batch: Step, run: TrainingRun) -> BoulderError:
    newest = run.store.paths()[:1]
    kept = f"the last good checkpoint is {newest[0]}" if newest else "no epoch was finished before it"
    found = f"{_where_not_finite(epoch, number, result, batch, run)}; the parameters were not updated with it, {kept}"
    if not_finite_data(batch, run.replicas):
        return DataError(f"{found}. Repair the data, or leave these sequences out")
    return TrainingError(f"{found}. A lower learning rate or 'gradient_clip' may help")
