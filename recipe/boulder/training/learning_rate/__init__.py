"""Learning rates. A control is a file here, imported below, which registers its class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boulder.errors import ConfigError
from boulder.schedule import Plan
from boulder.training.learning_rate.control import (
    CONTROLS,
    LearningRateControl,
    check_options_of_others,
    control_class,
    control_from_json,
    find_control,
    learning_rate_keys,
    options_of_others,
)
from boulder.training.learning_rate.curves import Cosine, Curve, InverseSquareRoot, Linear, OneCycle
from boulder.training.learning_rate.newbob import NewbobAbsolute, NewbobMultiEpoch, NewbobRelative
from boulder.training.learning_rate.scheduled import Scheduled
from boulder.training.learning_rate.scheduling import keys_read_once, learning_rates

__all__ = [
    "CONTROLS", "Cosine", "Curve", "InverseSquareRoot", "LearningRateControl", "Linear", "NewbobAbsolute", "NewbobMultiEpoch",
    "NewbobRelative", "OneCycle", "Scheduled", "check_end_is_known", "control_class", "control_from_json", "keys_read_once", "learning_rate_control",
    "learning_rate_keys", "learning_rates", "options_of_others",
]  # fmt: skip


def check_end_is_known(config: Mapping[str, Any]) -> None:
    """
    To be called where the number of epochs depends on the scores.

    :raises ConfigError: for a curve over all epochs
    """
    name = config.get("learning_rate_control")
    if name in CONTROLS and issubclass(CONTROLS[name], Curve) and config.get("learning_rate_num_epochs") is None:
        raise ConfigError(
            f"config: learning_rate_control {name!r} is a curve over all epochs, whose number depends on the scores; expected "
            "'num_epochs', or 'learning_rate_num_epochs' in the config"
        )


def learning_rate_control(config: Mapping[str, Any], plan: Plan, num_epochs: int | None = None) -> LearningRateControl:
    """
    :param config: without the overrides of phases
    :param num_epochs: number of epochs of the training without those that were added after its end; None: that of `plan`
    :return: the control of all epochs of `plan`, of the class that the config's `learning_rate_control` names
    :raises ConfigError: for an unknown class, and for a wrong rate or option
    """
    name = config.get("learning_rate_control")
    cls = find_control(Scheduled.name if name is None else name, "config")
    check_options_of_others(config, cls)
    if issubclass(cls, Curve) and num_epochs is not None:
        config = {"learning_rate_num_epochs": num_epochs, **config}
    return cls.from_config(config, plan, learning_rates(config, plan))
