"""The rates that a config fixes in advance, across the end of pretraining.

The rules are those of RETURNN's engine and of its `ConstantLearningRate`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boulder.errors import ConfigError
from boulder.schedule import Phase, Plan, pretrain_learning_rate
from boulder.schedule.labels import index_label
from boulder.training.learning_rate.control import learning_rate_keys
from boulder.training.numpy_values import without_numpy

DEFAULT_LEARNING_RATE = 0.001


@dataclass(frozen=True)
class ScheduledEpoch:
    """
    :param rate: the rate without a rule that follows the scores
    :param continued: the rate from which later epochs continue. It differs from `rate` where `learning_rates` names an epoch
        of pretraining, or the first one after it, that trains with another rate.
    :param fixed: whether the config sets the rate of this epoch, so that no rule decides it
    """

    epoch: int
    rate: float
    continued: float
    fixed: bool


def learning_rates(config: Mapping[str, Any], plan: Plan) -> list[float]:
    """
    :return: the rate of each epoch of `plan`, see `scheduled_epochs`
    :raises ConfigError: see there
    """
    return [scheduled.rate for scheduled in scheduled_epochs(config, plan)]


def initial_learning_rate(config: Mapping[str, Any]) -> float:
    """:raises ConfigError: if `learning_rate` is not a number, 0 or more"""
    return _rate(config.get("learning_rate", DEFAULT_LEARNING_RATE), "learning_rate")


def scheduled_epochs(config: Mapping[str, Any], plan: Plan) -> list[ScheduledEpoch]:
    """
    - `learning_rates` sets the rates of epochs. An epoch that it does not name keeps the rate of the epoch before; without
      one before it, the rate is `learning_rate`.
    - During pretraining the rate is `pretrain_learning_rate`, and in the first epoch after it `learning_rate`. With
      `use_learning_rate_control_always`, `learning_rates` applies there as well.
    - `learning_rate` in the `#config` of a network has precedence in the epochs of that network, and later epochs
      continue from it. `use_learning_rate_control_always` applies there as well.

    A rate of 0 does not last through pretraining: later epochs continue from the rate of pretraining, as in RETURNN.

    :param config: without the overrides of phases
    :return: an entry per epoch of `plan`
    :raises ConfigError: if a rate is not a number, 0 or more, and for an override that would have no effect
    """
    initial = initial_learning_rate(config)
    pretraining = pretrain_learning_rate(dict(config))
    pretraining = initial if pretraining is None else _rate(pretraining, "pretrain_learning_rate")
    last_of_pretraining = plan.num_pretrain_epochs
    remembered = _rates_by_epoch(config.get("learning_rates"))  # epoch → rate, as RETURNN's control remembers it
    result: list[ScheduledEpoch] = []
    for phase in plan.phases:
        _check_overrides(phase)
        always = _always({**config, **phase.config})
        for epoch in phase.epochs:
            latest = max((known for known in remembered if known <= epoch), default=None)
            rate = initial if latest is None else remembered[latest]
            fixed = epoch in remembered
            if not always and epoch <= last_of_pretraining + bool(last_of_pretraining):
                fixed = True
                rate = pretraining if epoch <= last_of_pretraining else initial
            if _is_overridden(phase, epoch, last_of_pretraining):
                fixed = True
                rate = remembered[epoch] = _rate(
                    phase.config["learning_rate"], "learning_rate", f"{index_label(phase.index)}: '#config': "
                )
            continued = remembered[epoch] = remembered.get(epoch) or rate
            result.append(ScheduledEpoch(epoch, rate, continued, fixed))
    return result


def _is_overridden(phase: Phase, epoch: int, last_of_pretraining: int) -> bool:
    """:return: whether `#config` sets the rate; the last network of pretraining stays, but its `#config` ends with it"""
    after = phase.epochs.start > last_of_pretraining
    return "learning_rate" in phase.config and (after or epoch <= last_of_pretraining)


def _always(config: Mapping[str, Any]) -> bool:
    always = without_numpy(config.get("use_learning_rate_control_always")) or False
    if not isinstance(always, bool):
        raise ConfigError(f"'use_learning_rate_control_always' must be True or False, found {always!r:.60}")
    return always


def keys_read_once() -> frozenset[str]:
    """:return: keys of learning rates that have no effect in `#config`: RETURNN reads them at the start of the training"""
    return frozenset(learning_rate_keys()) - {"learning_rate", "use_learning_rate_control_always"}


def _check_overrides(phase: Phase) -> None:
    for key in phase.config:
        if key in keys_read_once():
            raise ConfigError(
                f"{index_label(phase.index)}: '#config' has {key!r}, which has no effect there, expected 'learning_rate'"
            )


def _rates_by_epoch(rates: object) -> dict[int, float]:
    """:return: epoch → rate, for the epochs that `learning_rates` names: a list, a dict, or a string of one of them"""
    rates = without_numpy(rates)
    if isinstance(rates, str):
        rates = _read(rates)
    if not rates:
        return {}
    if isinstance(rates, list | tuple):
        return {n + 1: _rate(rate, f"learning_rates[{n}]", f"epoch {n + 1}: ") for n, rate in enumerate(rates)}
    if not isinstance(rates, Mapping):
        raise ConfigError(
            f"'learning_rates' must be a list of numbers, or a dict of epochs to them, found {rates!r:.60}"
        )
    for epoch in rates:
        if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 1:
            raise ConfigError(f"'learning_rates' must have epochs from 1 on as its keys, found {epoch!r:.60}")
    return {epoch: _rate(rate, f"learning_rates[{epoch}]") for epoch, rate in sorted(rates.items())}


def _read(text: str) -> object:
    """:return: the value of `[0.1, 0.2]`, `{1: 0.1}` or, as line-based config files have it, `0.1,0.2`"""
    try:
        value = ast.literal_eval(text.strip() or "[]")
    except (SyntaxError, ValueError):
        return text
    return [value] if isinstance(value, int | float) else value


def _rate(rate: object, key: str, where: str = "") -> float:
    rate = without_numpy(rate)
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < float("inf"):
        raise ConfigError(f"{where}{key!r} must be a number, 0 or more, found {rate!r:.60}")
    return float(rate)
