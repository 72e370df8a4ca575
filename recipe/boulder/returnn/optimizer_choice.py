"""The optimizer of a RETURNN config: the option `optimizer`, or one of the older options such as `adam = True`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boulder.errors import ConfigError

_FLAGS = ("adam", "nadam", "adadelta", "adagrad")
"""In RETURNN's order."""

_WITH_MOMENTUM = frozenset({"momentum", "rmsprop", "sgd"})
"""Optimizers that the option `momentum` applies to, besides choosing "momentum" where nothing else chooses."""


def chosen_optimizer(values: Mapping[str, Any]) -> dict[str, Any]:
    """
    Chooses as RETURNN's updater does: the first of `optimizer`, `adam`, `nadam`, `adadelta`, `adagrad`, `rmsprop` and
    `momentum` that is set, or else plain gradient descent.

    :param values: options of a config
    :return: `{"class": …, option: value, …}`
    :raises ConfigError: for `momentum` with an optimizer that has none, where RETURNN stops as well
    """
    given, momentum = values.get("optimizer"), values.get("momentum") or 0
    if isinstance(given, str):
        given = {"class": given}
    if given:
        return _with_momentum(given, momentum) if isinstance(given, Mapping) else given
    for name in _FLAGS:
        if values.get(name):
            if momentum:
                raise ConfigError(f"'momentum': found {momentum!r:.60} with {name!r}, expected only one of them")
            return {"class": "nadamkeras" if name == "nadam" else name}  # the flag and the class differ in TensorFlow 2
    rmsprop = values.get("rmsprop")
    if rmsprop:
        decay = {"decay": rmsprop} if isinstance(rmsprop, float) else {}
        return _with_momentum({"class": "rmsprop", **decay}, momentum)
    return {"class": "momentum", "momentum": momentum} if momentum else {"class": "sgd"}


def _with_momentum(optimizer: Mapping[str, Any], momentum: object) -> dict[str, Any]:
    name = str(optimizer.get("class")).lower().removesuffix("optimizer")
    return ({"momentum": momentum} if momentum and name in _WITH_MOMENTUM else {}) | dict(optimizer)
