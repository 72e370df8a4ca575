"""RETURNN's rules that lower the rate when a score stops improving: newbob, newbob_abs, newbob_multi_epoch.

The formulas are those of `NewbobRelative`, `NewbobAbs` and `NewbobMultiEpoch` in returnn/learning_rate_control.py. Each rule
continues from the rate of the epoch before, unless the config sets a rate for the epoch. The scores of pretraining take part.

Differences from RETURNN: a score that is None or not finite changes no rate, and a score of 0, by which RETURNN divides, counts as an
infinite relative change (or as none, if both scores are 0).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self, TypeGuard

import numpy

from boulder.errors import ConfigError
from boulder.schedule import Plan
from boulder.training.history import EpochRecord
from boulder.training.learning_rate.control import LearningRateControl, control_class
from boulder.training.learning_rate.measure import Measure, check_measure, measured, score_names
from boulder.training.learning_rate.scheduling import DEFAULT_LEARNING_RATE, initial_learning_rate, scheduled_epochs
from boulder.training.option_kind import is_number

Update = float | Callable[[float], float]
"""A factor of the rate, or a function of it."""


@dataclass(frozen=True)
class _Past:
    """
    The epochs so far, in order.

    :param epochs: their numbers
    :param rates: rates from which the next epoch continues
    :param scores: name and value of the score to follow
    """

    epochs: list[int]
    rates: list[float]
    scores: list[tuple[str, float | None] | None]

    def change(self, newer: int) -> tuple[float, float] | None:
        """:return: scores of the epoch before and of the epoch at index `newer`; None if they cannot be compared"""
        old, new = self.scores[newer - 1], self.scores[newer]
        if old is None or new is None or old[0] != new[0]:
            return None
        return (old[1], new[1]) if is_finite(old[1]) and is_finite(new[1]) else None


def is_finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


@dataclass(frozen=True, kw_only=True)
class Newbob(LearningRateControl):
    """
    :param initial_rate: the config's `learning_rate`
    :param fixed: epochs whose rate the config sets: by `learning_rates`, by `#config`, or since they are in pretraining
    :param shadowed: (epoch, rate): the rate from which the epoch after it continues, where it differs from the rate that the
        epoch trains with, see `ScheduledEpoch`
    :param min_learning_rate: lower bound of a lowered rate
    :param learning_rate_control_error_measure: name of the score, or several, of which the first that exists counts, see
        `boulder.training.learning_rate.measure`
    :param learning_rate_control_min_num_epochs_per_new_lr: number of epochs for which a changed rate stays
    :param learning_rate_decay: factor of a lowered rate, or function of the rate; the default is newbob_learning_rate_decay
    :param learning_rate_growth: the same for a raised rate
    """

    derived: ClassVar[tuple[str, ...]] = (*LearningRateControl.derived, "initial_rate", "fixed", "shadowed")

    initial_rate: float = DEFAULT_LEARNING_RATE
    fixed: list[int] = field(default_factory=list)
    shadowed: list[list[Any]] = field(default_factory=list)
    min_learning_rate: float = 0.0
    learning_rate_control_error_measure: Measure = None
    learning_rate_control_min_num_epochs_per_new_lr: int = 0
    learning_rate_decay: Update | None = None
    learning_rate_growth: Update | None = None
    newbob_learning_rate_decay: Update = 0.5
    newbob_learning_rate_growth: Update = 1.0

    def __post_init__(self) -> None:
        """:raises ConfigError: for an option of the wrong type or range"""
        measure = self.learning_rate_control_error_measure
        names = measure if isinstance(measure, list) else [measure or "dev_score"]
        if not names or not all(isinstance(name, str) for name in names):
            raise _wrong(
                "learning_rate_control_error_measure", "a name such as 'dev_error', or a list of names", measure
            )
        for key in (
            "learning_rate_decay",
            "newbob_learning_rate_decay",
            "learning_rate_growth",
            "newbob_learning_rate_growth",
        ):
            value = getattr(self, key)
            is_factor = is_number(value) and 0 < value < math.inf
            if not is_factor and not callable(value) and not (value is None and not key.startswith("newbob")):
                raise _wrong(key, "a positive number, or a function of the rate", value)
        if not 0 <= self.min_learning_rate < math.inf:
            raise _wrong("min_learning_rate", "a number, 0 or more", self.min_learning_rate)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], plan: Plan, rates: Sequence[float]) -> Self:
        epochs = scheduled_epochs(config, plan)
        return replace(
            super().from_config(config, plan, rates),
            initial_rate=initial_learning_rate(config),
            fixed=[scheduled.epoch for scheduled in epochs if scheduled.fixed],
            shadowed=[[epoch.epoch, epoch.continued] for epoch in epochs if epoch.continued != epoch.rate],
        )

    def restricted_to(self, epochs: range) -> Self:
        return replace(
            super().restricted_to(epochs),
            fixed=[epoch for epoch in self.fixed if epoch in epochs],
            shadowed=[[epoch, rate] for epoch, rate in self.shadowed if epoch < epochs.stop],
        )

    def check_scores(self, phases: Sequence[tuple[Mapping[str, Collection[str]], Sequence[str]]]) -> None:
        of_costs = [
            ({layer: losses[layer] for layer in losses if not layer.endswith(":exp")}, d) for losses, d in phases
        ]
        known = dict.fromkeys(name for losses, data in (*phases, *of_costs) for name in score_names(losses, data))
        single_losses = {layer for losses, _ in of_costs if len(losses) == 1 for layer in losses}
        check_measure(self.learning_rate_control_error_measure, list(known), single_losses)

    def notice(self, epoch: int, history: Sequence[EpochRecord]) -> str | None:
        past = self._past(epoch, history)
        scores = past.scores[-2:]
        if len(scores) < 2 or None in scores or epoch in self.fixed:
            return None
        if missing := self._without_number(epoch, past):
            name, epochs = missing
            return (
                f"the rule of the learning rate finds no number for {name!r} in epoch {epochs}; the rate stays as it is"
            )
        (old, _), (new, _) = (score for score in scores if score is not None)
        if old == new:
            return None
        return f"the rule of the learning rate follows {new!r} instead of {old!r}, which this network lacks; it compares no scores of the two"

    def _without_number(self, epoch: int, past: _Past) -> tuple[str, str] | None:
        """:return: name of a score that the rule compares in this epoch but that is no number, and its epochs; None if all are"""
        first = len(past.scores) - self._compared
        found = [
            (score[0], past.epochs[index])
            for index, score in enumerate(past.scores)
            if index >= first and score is not None and not is_finite(score[1])
        ]
        return (found[0][0], ", ".join(str(number) for _, number in found)) if found else None

    def rate(self, epoch: int, history: Sequence[EpochRecord]) -> float:
        if epoch in self.fixed:
            return self.scheduled(epoch)
        past = self._past(epoch, history)
        if not past.rates:
            return self.initial_rate
        wait = self.learning_rate_control_min_num_epochs_per_new_lr
        recent = past.rates[-wait:]
        if wait > 1 and (len(recent) < wait or len(set(recent)) > 1):
            return past.rates[-1]
        return self._next_rate(epoch, past)

    @property
    def _compared(self) -> int:
        """:return: number of last epochs whose scores the rule compares"""
        return 2

    @abstractmethod
    def _next_rate(self, epoch: int, past: _Past) -> float:
        """
        :param epoch: an epoch that the rule decides
        :param past: at least one epoch
        """

    def _past(self, epoch: int, history: Sequence[EpochRecord]) -> _Past:
        before = sorted((record for record in history if record["epoch"] < epoch), key=lambda record: record["epoch"])
        shadowed = dict(self.shadowed)
        return _Past(
            epochs=[record["epoch"] for record in before],
            rates=[shadowed.get(record["epoch"], record["learning_rate"]) for record in before],
            scores=[measured(record, self.learning_rate_control_error_measure) for record in before],
        )

    def _updated(self, rate: float, decay: bool, grow: bool) -> float:
        if decay:
            update = self.newbob_learning_rate_decay if self.learning_rate_decay is None else self.learning_rate_decay
            return max(_apply(update, rate), self.min_learning_rate)
        if grow:
            update = (
                self.newbob_learning_rate_growth if self.learning_rate_growth is None else self.learning_rate_growth
            )
            return _apply(update, rate)
        return rate


@control_class("newbob_abs")
@dataclass(frozen=True, kw_only=True)
class NewbobAbsolute(Newbob):
    """
    Lowers the rate if (new - old) score > threshold.

    :param newbob_error_threshold: negative: by how much the score must improve
    """

    newbob_error_threshold: float = -0.01

    def _next_rate(self, epoch: int, past: _Past) -> float:
        change = past.change(-1) if len(past.rates) > 1 else None
        if change is None:
            return past.rates[-1]
        old, new = change
        decay = new - old > self.newbob_error_threshold
        return self._updated(past.rates[-1], decay=decay, grow=not decay)


@dataclass(frozen=True, kw_only=True)
class _Relative(Newbob):
    """
    :param newbob_relative_error_threshold: negative: by how much the score must improve, as (new - old) / |new|
    :param newbob_relative_error_div_by_old: divide by |old| instead
    :param learning_rate_control_relative_error_relative_lr: divide the change by rate / `learning_rate` as well, since less
        change is expected of a lower rate
    """

    newbob_relative_error_threshold: float = -0.01
    newbob_relative_error_div_by_old: bool = False
    learning_rate_control_relative_error_relative_lr: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.learning_rate_control_relative_error_relative_lr and not self.initial_rate:
            raise _wrong(
                "learning_rate", "positive with 'learning_rate_control_relative_error_relative_lr'", self.initial_rate
            )

    def _relative_change(self, past: _Past, newer: int) -> float | None:
        change = past.change(newer)
        if change is None:
            return None
        old, new = change
        divisor = abs(old) if self.newbob_relative_error_div_by_old else abs(new)
        if new == old:
            result = 0.0
        else:
            result = (new - old) / divisor if divisor else math.copysign(math.inf, new - old)
        rate = past.rates[newer]
        if self.learning_rate_control_relative_error_relative_lr and rate > 0:
            result /= rate / self.initial_rate
        return result


@control_class("newbob", "newbob_rel", "newbob_relative")
@dataclass(frozen=True, kw_only=True)
class NewbobRelative(_Relative):
    """Lowers the rate if the relative change of the score > threshold."""

    def _next_rate(self, epoch: int, past: _Past) -> float:
        change = self._relative_change(past, -1) if len(past.rates) > 1 else None
        if change is None:
            return past.rates[-1]
        decay = change > self.newbob_relative_error_threshold
        return self._updated(past.rates[-1], decay=decay, grow=not decay)


@control_class("newbob_multi_epoch")
@dataclass(frozen=True, kw_only=True)
class NewbobMultiEpoch(_Relative):
    """
    Lowers the rate if the mean of the last relative changes > threshold.

    :param newbob_multi_num_epochs: number of changes
    :param newbob_multi_update_interval: the rate may change in epochs 1, 1 + interval, …; the default is
        newbob_multi_num_epochs
    :param newbob_relative_error_grow_threshold: raise the rate if the mean is below; the default is the threshold
    """

    newbob_multi_num_epochs: int = 5
    newbob_multi_update_interval: int | None = None
    newbob_relative_error_grow_threshold: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in ("newbob_multi_num_epochs", "newbob_multi_update_interval"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise _wrong(key, "a positive int", value)
        if self._grow_threshold > self.newbob_relative_error_threshold:
            expected = f"at most newbob_relative_error_threshold, {self.newbob_relative_error_threshold!r}"
            raise _wrong("newbob_relative_error_grow_threshold", expected, self._grow_threshold)

    @property
    def _compared(self) -> int:
        return self.newbob_multi_num_epochs + 1

    @property
    def _grow_threshold(self) -> float:
        own = self.newbob_relative_error_grow_threshold
        return self.newbob_relative_error_threshold if own is None else own

    def _next_rate(self, epoch: int, past: _Past) -> float:
        interval = self.newbob_multi_update_interval or self.newbob_multi_num_epochs
        count = min(self.newbob_multi_num_epochs, len(past.rates) - 1)
        if (interval > 1 and epoch % interval != 1) or not count:
            return past.rates[-1]
        found = [self._relative_change(past, newer) for newer in range(-count, 0)]
        changes = [change for change in found if change is not None]
        if len(changes) < count:
            return past.rates[-1]
        mean = float(numpy.mean(changes))
        return self._updated(
            past.rates[-1], decay=mean > self.newbob_relative_error_threshold, grow=mean < self._grow_threshold
        )


def _apply(update: Update, rate: float) -> float:
    return float(update(rate) if callable(update) else rate * update)


def _wrong(key: str, expected: str, found: object) -> ConfigError:
    return ConfigError(f"config: {key!r} must be {expected}, found {found!r:.60}")
