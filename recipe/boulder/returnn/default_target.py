"""`target` of a config: the data stream that losses without a `target` of their own compare with."""

from __future__ import annotations

from typing import Any

from boulder.errors import ConfigError
from boulder.network.loss import LOSSES
from boulder.network.reading import DEFAULT_TARGET


def check_target(target: object) -> str:
    """
    :param target: value of the config; None: "classes", as in RETURNN
    :raises ConfigError: if it is no string
    """
    if target is None:
        return DEFAULT_TARGET
    if not isinstance(target, str):
        raise ConfigError(f"'target': found {target!r:.60}, expected the name of a data stream")
    return target


def with_target(network: dict[str, Any], target: str) -> dict[str, Any]:
    """
    :param network: net dict
    :return: the net dict in which each layer whose loss needs a target has one; equal parts are shared, with "classes" all
    """
    if target == DEFAULT_TARGET:
        return network
    changed = {name: _changed(options, target) for name, options in network.items()}
    return changed if any(changed[name] is not options for name, options in network.items()) else network


def _changed(options: Any, target: str) -> Any:
    """:return: options of a layer, or another value in them; layers can hold layers"""
    if not isinstance(options, dict):
        return options
    result = with_target(options, target)
    loss = LOSSES.get(options["loss"]) if isinstance(options.get("loss"), str) and "class" in options else None
    return {**result, "target": target} if loss and loss.needs_target and "target" not in options else result
