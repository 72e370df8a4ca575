"""Rates that fall along a curve over all epochs: cosine, linear, one_cycle, inverse_square_root. RETURNN has none of them.

A curve begins with the config's `learning_rate`, also in pretraining. Where `learning_rates` or a `#config` sets a rate, that
rate counts, and the curve continues after it. Epochs after the end of the curve keep its last rate.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy

from boulder.errors import ConfigError
from boulder.schedule import Plan
from boulder.training.history import EpochRecord
from boulder.training.learning_rate.control import LearningRateControl, control_class
from boulder.training.learning_rate.scheduling import initial_learning_rate, scheduled_epochs
from boulder.training.numpy_values import without_numpy
from boulder.training.option_kind import is_int


@dataclass(frozen=True, kw_only=True)
class Curve(LearningRateControl):
    """
    :param min_learning_rate: where the curve ends; lower bound of `inverse_square_root`
    :param learning_rate_num_epochs: number of epochs of the curve; the default is the number of epochs of the training,
        without those that are added after its end
    """

    min_learning_rate: float = 0.0
    learning_rate_num_epochs: int | None = None

    def __post_init__(self) -> None:
        """:raises ConfigError: for an option out of range"""
        number = self.learning_rate_num_epochs
        if number is not None and number < 1:
            raise ConfigError(f"config: 'learning_rate_num_epochs' must be a positive int, found {number!r}")
        if not 0 <= self.min_learning_rate < math.inf:
            raise ConfigError(
                f"config: 'min_learning_rate' must be a number, 0 or more, found {self.min_learning_rate!r:.60}"
            )

    @classmethod
    def from_config(cls, config: Mapping[str, Any], plan: Plan, rates: Sequence[float]) -> Self:
        if config.get("pretrain_learning_rate") is not None:
            raise ConfigError(
                f"config: 'pretrain_learning_rate' has no effect with learning_rate_control {cls.name!r}, expected "
                "'learning_rate' in the '#config' of an index"
            )
        control = super().from_config(config, plan, rates)
        top, number = initial_learning_rate(config), control.learning_rate_num_epochs or plan.num_epochs
        if control.min_learning_rate > top:
            raise ConfigError(
                f"config: 'min_learning_rate' must be at most 'learning_rate', {top!r}, found {control.min_learning_rate!r}"
            )
        epochs = scheduled_epochs({**config, "use_learning_rate_control_always": True}, plan)
        lowest = control.min_learning_rate
        curve = {epoch: control.at(epoch, number, top, config) for epoch in range(1, number + 1)}
        bounded = {epoch: min(max(rate, lowest), top) for epoch, rate in curve.items()}
        rates = [s.rate if s.fixed else bounded[min(s.epoch, number)] for s in epochs]
        return replace(control, rates=rates, learning_rate_num_epochs=None)  # equal rates make equal jobs

    def rate(self, epoch: int, history: Sequence[EpochRecord]) -> float:
        return self.scheduled(epoch)

    @abstractmethod
    def at(self, epoch: int, number: int, top: float, config: Mapping[str, Any]) -> float:
        """
        :param epoch: 1-based, at most `number`
        :param number: of epochs of the curve
        :param top: the config's `learning_rate`
        :return: the rate of an epoch, before it is limited to `min_learning_rate` … `learning_rate`
        """


@control_class("cosine")
@dataclass(frozen=True, kw_only=True)
class Cosine(Curve):
    """Half a period of the cosine (Loshchilov & Hutter 2017, without restarts): flat at both ends."""

    def at(self, epoch: int, number: int, top: float, config: Mapping[str, Any]) -> float:
        part = (1 + math.cos(math.pi * (epoch - 1) / number)) / 2
        return self.min_learning_rate + (top - self.min_learning_rate) * part


@control_class("linear")
@dataclass(frozen=True, kw_only=True)
class Linear(Curve):
    """Falls by the same amount from epoch to epoch."""

    def at(self, epoch: int, number: int, top: float, config: Mapping[str, Any]) -> float:
        return top + (self.min_learning_rate - top) * (epoch - 1) / number


@control_class("one_cycle")
@dataclass(frozen=True, kw_only=True)
class OneCycle(Curve):
    """
    Rises from a tenth of `learning_rate` to `learning_rate` in the first 45 % of the epochs, falls back to a tenth in the
    next 45 %, and to the minimum in the last 10 %, by straight lines (Smith & Topin 2018).
    """

    def at(self, epoch: int, number: int, top: float, config: Mapping[str, Any]) -> float:
        corners = [0.1 * top, top, 0.1 * top, min(self.min_learning_rate, 0.1 * top)]
        return float(numpy.interp((epoch - 1) / number, [0, 0.45, 0.9, 1], corners))


@control_class("inverse_square_root")
@dataclass(frozen=True, kw_only=True)
class InverseSquareRoot(Curve):
    """
    `learning_rate` · √(W / epoch), where W is `learning_rate_warmup_num_epochs`, or 1; `learning_rate` up to epoch W
    (Vaswani et al. 2017).
    """

    def at(self, epoch: int, number: int, top: float, config: Mapping[str, Any]) -> float:
        flat = without_numpy(config.get("learning_rate_warmup_num_epochs")) or 1
        if not is_int(flat) or flat < 1:
            raise ConfigError(
                f"config: 'learning_rate_warmup_num_epochs' must be an int, 0 or more, found {flat!r:.60}"
            )
        return top * math.sqrt(flat / max(epoch, flat))
