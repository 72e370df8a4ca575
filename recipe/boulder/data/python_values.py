"""Values of Python as plain JSON from which they come back unchanged: for code that tells a tuple from a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from boulder.schedule.canonical import canonical
from boulder.schedule.functions import FunctionByValue

_TUPLE, _SET, _ITEMS = "#tuple", "#set", "#dict"


def to_json(value: Any, where: str) -> Any:
    """
    :param where: for messages
    :return: plain JSON with path objects, and a `FunctionByValue` for each function or class. The result is its own form
    :raises ConfigError: for a value without a plain form
    """
    if hasattr(value, "get_path") or isinstance(value, FunctionByValue):
        return value
    if isinstance(value, tuple):
        return {_TUPLE: [to_json(item, where) for item in value]}
    if isinstance(value, set | frozenset):
        return {_SET: sorted((to_json(item, where) for item in value), key=repr)}
    if isinstance(value, list):
        return [to_json(item, where) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: to_json(item, f"{where}: {key}") for key, item in value.items()}
    if isinstance(value, Mapping):
        return {_ITEMS: [[to_json(key, where), to_json(item, f"{where}: {key}")] for key, item in value.items()]}
    if callable(value):
        return FunctionByValue(value, where).settled()
    return canonical(value)


def from_json(value: Any, function: Callable[[FunctionByValue], Any] = lambda found: found.function) -> Any:
    """
    :param value: from `to_json`
    :param function: gives the function, or class, that a `FunctionByValue` holds
    """
    if isinstance(value, FunctionByValue):
        return function(value)
    if isinstance(value, list):
        return [from_json(item, function) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {_TUPLE}:
        return tuple(from_json(value[_TUPLE], function))
    if value.keys() == {_SET}:
        return set(from_json(value[_SET], function))
    if value.keys() == {_ITEMS}:
        return {from_json(key, function): from_json(item, function) for key, item in value[_ITEMS]}
    if value.keys() == {"#float"}:
        return float(value["#float"])
    return {key: from_json(item, function) for key, item in value.items()}
