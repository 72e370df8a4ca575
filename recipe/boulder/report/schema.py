"""Converts plain data, e.g. from JSON, to dataclasses by their annotations. Errors name the place of the mistake."""

import types
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from boulder.errors import DataError, nearest

T = TypeVar("T")

# Why not a library: pydantic (strict models) makes the same checks, but its messages would have to be rewritten, with the
# annotations at hand for the nearest name of an unknown key, and its import alone takes about 0.4 s. cattrs converts
# silently: "5" to 5, a string to the list of its characters.

_NAMES = {int: "an integer", float: "a number", str: "a string", bool: "true or false", list: "a list", dict: "a dict"}


def from_plain(kind: type[T], value: object, where: str) -> T:
    """
    :param kind: a dataclass. Its fields may be of type int, float, str, bool, Any, list[…], dict[str, …], a dataclass
        or one of these | None.
    :param value: plain data; instances of a dataclass are accepted unchanged
    :param where: place of the value for messages, e.g. `report.phases[2]`
    :raises DataError: for an unknown or missing key or a value of the wrong type
    """
    return cast(T, _convert(kind, value, where))


def _convert(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    if isinstance(kind, types.UnionType):
        (kind,) = [option for option in get_args(kind) if option is not type(None)]
        return None if value is None else _convert(kind, value, where)
    if is_dataclass(kind):
        return value if isinstance(value, cast(type, kind)) else _dataclass(kind, value, where)
    origin = get_origin(kind) or kind
    if origin is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # bool is a subclass of int, but True is not a number of epochs.
    if not isinstance(value, origin) or (isinstance(value, bool) and origin is not bool):
        raise DataError(f"{where}: found {value!r}, expected {_NAMES[origin]}")
    if origin is list:
        (item,) = get_args(kind)
        return [_convert(item, entry, f"{where}[{number}]") for number, entry in enumerate(value)]
    if origin is dict:
        for key in value:
            if not isinstance(key, str):
                raise DataError(f"{where}: found key {key!r}, expected a string")
        return {key: _convert(get_args(kind)[1], entry, f"{where}[{key!r}]") for key, entry in value.items()}
    return value


def _dataclass(kind: Any, value: object, where: str) -> Any:
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
    return kind(**{key: _convert(hints[key], entry, f"{where}.{key}") for key, entry in value.items()})
