"""Decisions by the lowest score so far, after pretraining: early stopping, and RETURNN's `use_last_best_model`.

Both are functions of the history, so that a resumed job decides the same.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from boulder.training.history import EpochRecord
from boulder.training.last_best_options import last_best_options
from boulder.training.learning_rate.measure import measured
from boulder.training.phase import TrainingPhase


def why_stop(phase: TrainingPhase, history: Sequence[EpochRecord]) -> str | None:
    """
    :param history: up to the last finished epoch
    :return: why training stops after it, if the score has not been lower than before for `patience` epochs; else None
    """
    patience = phase.options.patience
    scores = _scores(phase, history, phase.pretrain_end + 1)
    if patience is None or not scores:
        return None
    name = _name(phase, history)
    value, best = min((value, epoch) for epoch, value in scores.items())
    if history[-1]["epoch"] - best < patience:
        return None
    return f"{name} has not been below {value:g} of epoch {best} for {patience} epochs"


def stopped_epoch(history: Sequence[EpochRecord]) -> int | None:
    """:return: the epoch after which training has stopped early; None if it has not"""
    return history[-1]["epoch"] if history and "stopped" in history[-1] else None


def epoch_to_return_to(
    phase: TrainingPhase, epoch: int, history: Sequence[EpochRecord], held: Collection[int]
) -> int | None:
    """
    The rule of `_maybe_use_better_last_model` in returnn/tf/engine.py and of `get_last_best_epoch` in
    returnn/learning_rate_control.py.

    :param epoch: about to begin
    :param history: of the epochs before it
    :param held: epochs whose parameters are at hand
    :return: the best epoch, from whose parameters `epoch` starts; None: from those of the epoch before it
    """
    options = last_best_options(phase.options.use_last_best_model)
    if options is None or epoch <= phase.pretrain_end or not history:
        return None
    newest = measured(history[-1], _measure(phase))
    if epoch % options["modulo"] and ((newest and newest[1]) or 0) <= options["filter_score"]:
        return None
    scores = _candidates(phase, options, history)
    if not scores or newest is None or newest[1] is None:
        return None
    latest = newest[1]
    better = [
        (value, candidate)
        for candidate, value in scores.items()
        if candidate in held and value + options["min_score_dist"] < latest
    ]
    best = min(better)[1] if better else None
    return None if best == epoch - 1 else best


def epochs_to_hold(phase: TrainingPhase, history: Sequence[EpochRecord]) -> set[int]:
    """
    :param history: up to the last finished epoch
    :return: epochs that `epoch_to_return_to` may give later: within its window, those that no later epoch is better than
    """
    options = last_best_options(phase.options.use_last_best_model)
    if options is None or not history:
        return set()
    scores = _candidates(phase, options, history)
    lowest, undominated = math.inf, []
    for epoch, value in reversed(scores.items()):
        if value <= lowest:
            lowest = value
            undominated.append(epoch)
    windowed = options["only_last_n"] >= 1 or options["only_last_epochs"]
    return set(undominated if windowed else undominated[-1:])


def _candidates(phase: TrainingPhase, options: Mapping[str, Any], history: Sequence[EpochRecord]) -> dict[int, float]:
    """:return: epoch → score, of the epochs among which the best is sought"""
    first = options["first_epoch"] or max(1, phase.pretrain_end)
    if options["only_last_epochs"]:
        first = max(first, history[-1]["epoch"] - options["only_last_epochs"] + 1)
    found = [(e, v) for e, v in _scores(phase, history, first).items() if v <= options["filter_score"]]
    return dict(found[-options["only_last_n"] :] if options["only_last_n"] >= 1 else found)


def _scores(phase: TrainingPhase, history: Sequence[EpochRecord], first: int) -> dict[int, float]:
    """:return: epoch → score, from epoch `first` on, of the epochs that have the same score as the last one"""
    found = {record["epoch"]: measured(record, _measure(phase)) for record in history if record["epoch"] >= first}
    known = {e: named for e, named in found.items() if named and named[1] is not None and math.isfinite(named[1])}
    last = list(known.values())[-1][0] if known else None
    return {epoch: value for epoch, (name, value) in known.items() if name == last and value is not None}


def _name(phase: TrainingPhase, history: Sequence[EpochRecord]) -> str:
    named = measured(history[-1], _measure(phase))
    return named[0] if named else "the score"


def _measure(phase: TrainingPhase) -> Any:
    return getattr(phase.learning_rate_control, "learning_rate_control_error_measure", None)
