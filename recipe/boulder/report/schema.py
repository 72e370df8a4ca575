"""Builds dataclasses from plain JSON data by their type annotations, with errors that name the place.

Replacing this file by pydantic does not pay: its strict mode refuses dicts for dataclasses, so that each field would need
a strict type of its own, and its errors need a translation as long as this file.
"""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from boulder.errors import DataError, nearest

T = TypeVar("T")

_NAMES = {int: "an integer", float: "a number", str: "a text", bool: "true or false", list: "a list", dict: "a dict"}


def from_plain(kind: type[T], value: Any, where: str) -> T:
    """
    :param kind: a dataclass, int, float, str, bool, Any, list[…] or dict[str, …], or a union of one of these with None
    :param value: plain data; instances of the dataclass are used unchanged
    :param where: path of the value for messages, e.g. `report.phases[2]`
    :return: the value as `kind`
    :raises DataError: if the value does not match `kind`; an int is accepted as a float, a bool is no int
    """
    return cast(T, _converted(kind, value, where))


def _converted(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    if isinstance(kind, types.UnionType):
        if value is None and type(None) in get_args(kind):
            return None
        (kind,) = [option for option in get_args(kind) if option is not type(None)]
        return _converted(kind, value, where)
    if is_dataclass(kind):
        return value if type(value) is kind else _dataclass(kind, value, where)
    origin = get_origin(kind) or kind
    if origin is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, origin) or (isinstance(value, bool) and origin is not bool):
        raise DataError(f"{where}: found {value!r}, expected {_NAMES[origin]}")
    if origin is list:
        (item,) = get_args(kind)
        return [_converted(item, entry, f"{where}[{number}]") for number, entry in enumerate(value)]
    if origin is dict:
        for key in value:
            if not isinstance(key, str):
                raise DataError(f"{where}: key {key!r}, expected a text")
        return {key: _converted(get_args(kind)[1], entry, f"{where}[{key!r}]") for key, entry in value.items()}
    return value


def _dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise DataError(f"{where}: found {value!r}, expected a dict")
    hints = get_type_hints(kind)
    for key in value:
        if key not in hints:
            raise DataError(f"{where}: unknown key {key!r}{nearest(key, hints)}")
    for option in fields(kind):
        needed = option.default is MISSING and option.default_factory is MISSING
        if needed and option.name not in value:
            raise DataError(f"{where}: key {option.name!r} is missing")
    return kind(**{key: _converted(hints[key], entry, f"{where}.{key}") for key, entry in value.items()})
