"""Which learning rate an epoch has, also across the end of pretraining: the rules of RETURNN's engine and of its
`ConstantLearningRate`. All of it is known before the first job."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.errors import ConfigError
from boulder.schedule import Phase, Plan, pretrain_learning_rate

DEFAULT_LEARNING_RATE = 0.001
LEARNING_RATE_KEYS = ("learning_rate", "learning_rates", "pretrain_learning_rate", "use_learning_rate_control_always")
"""The keys of a config that are read here, and only here."""


def learning_rates(config: Mapping, plan: Plan) -> list[float]:
    """
    - `learning_rates` says the rates of epochs. An epoch that it does not name has the rate of the one before; the first,
      `learning_rate`.
    - While pretraining, `pretrain_learning_rate` holds instead, and in the first epoch after it `learning_rate`; unless
      `use_learning_rate_control_always`.
    - `learning_rate` in the `#config` of a network comes before all that, for the epochs of that network, and the epochs
      that follow go on from it.

    :param config: without the overrides of phases
    :return: the rate of each epoch of `plan`
    :raises ConfigError: if one is no positive number, and for an override that could have no effect
    """
    initial = _rate(config.get("learning_rate", DEFAULT_LEARNING_RATE), "learning_rate")
    pretraining = pretrain_learning_rate(config)
    pretraining = initial if pretraining is None else _rate(pretraining, "pretrain_learning_rate")
    always = config.get("use_learning_rate_control_always") or False
    if not isinstance(always, bool):
        raise ConfigError(f"'use_learning_rate_control_always' must be True or False, found {always!r:.60}")
    last_of_pretraining = plan.num_pretrain_epochs
    remembered = _scheduled(config.get("learning_rates"))  # epoch → rate, as the learning-rate control has it
    result: list[float] = []
    for phase in plan.phases:
        _check_overrides(phase)
        for epoch in phase.epochs:
            going_on = max((known for known in remembered if known <= epoch), default=None)
            rate = initial if going_on is None else remembered[going_on]
            if not always and epoch <= last_of_pretraining + bool(last_of_pretraining):
                rate = pretraining if epoch <= last_of_pretraining else initial
            if _is_asked(phase, epoch, last_of_pretraining):
                rate = remembered[epoch] = _rate(phase.config["learning_rate"], "learning_rate")
            remembered.setdefault(epoch, rate)
            result.append(rate)
    return result


def _is_asked(phase: Phase, epoch: int, last_of_pretraining: int) -> bool:
    """Whether `#config` says the rate. Once pretraining is over, its last network goes on, but nobody asks it again."""
    after = phase.epochs.start > last_of_pretraining
    return "learning_rate" in phase.config and (after or epoch <= last_of_pretraining)


def _check_overrides(phase: Phase) -> None:
    for key in phase.config:
        if key in LEARNING_RATE_KEYS and key != "learning_rate":
            where = "the original network" if phase.index is None else f"index {phase.index}"
            raise ConfigError(f"{where}: '#config' has {key!r}, which has no effect there, expected 'learning_rate'")


def _scheduled(rates: object) -> dict[int, float]:
    """:return: epoch → rate, for the epochs that `learning_rates`, a list or a dict, names"""
    if not rates:
        return {}
    if isinstance(rates, list | tuple):
        rates = dict(enumerate(rates, 1))
    if not isinstance(rates, Mapping):
        raise ConfigError(
            f"'learning_rates' must be a list of numbers, or a dict of epochs to them, found {rates!r:.60}"
        )
    for epoch in rates:
        if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 1:
            raise ConfigError(f"'learning_rates' must have epochs from 1 on as its keys, found {epoch!r:.60}")
    return {epoch: _rate(rate, f"learning_rates[{epoch}]") for epoch, rate in sorted(rates.items())}


def _rate(rate: object, key: str) -> float:
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < float("inf"):
        raise ConfigError(f"{key!r} must be a positive number, found {rate!r:.60}")
    return float(rate)
