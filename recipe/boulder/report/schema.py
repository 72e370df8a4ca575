"""Plain JSON-able data → dataclasses, by their type annotations, with an error that says where the data is wrong."""

import types
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from boulder.errors import DataError, nearest

T = TypeVar("T")

_NAMES = {int: "an integer", float: "a number", str: "a text", bool: "true or false", list: "a list", dict: "a dict"}


def from_plain(kind: type[T], value: Any, where: str) -> T:
    """
    :param kind: a dataclass, int, float, str, bool, None, Any, list[…], dict[str, …] or a union with None of these
    :param value: plain data; what is of the dataclass already is taken as it is
    :param where: how messages call the value, e.g. `report.phases[2]`
    :return: the value as `kind`
    :raises DataError: where it is not
    """
    if kind is Any:
        return value
    if isinstance(kind, types.UnionType):
        if value is None and type(None) in get_args(kind):
            return None
        (kind,) = [option for option in get_args(kind) if option is not type(None)]
        return from_plain(kind, value, where)
    if is_dataclass(kind):
        return value if isinstance(value, kind) else _dataclass(kind, value, where)
    origin = get_origin(kind) or kind
    if origin is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # True is an int to Python, but no number of epochs.
    if not isinstance(value, origin) or (isinstance(value, bool) and origin is not bool):
        raise DataError(f"{where}: found {value!r}, expected {_NAMES[origin]}")
    if origin is list:
        (item,) = get_args(kind)
        return [from_plain(item, entry, f"{where}[{number}]") for number, entry in enumerate(value)]
    if origin is dict:
        for key in value:
            if not isinstance(key, str):
                raise DataError(f"{where}: key {key!r}, expected a text")
        return {key: from_plain(get_args(kind)[1], entry, f"{where}[{key!r}]") for key, entry in value.items()}
    return value


def _dataclass(kind: type[T], value: Any, where: str) -> T:
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
    return kind(**{key: from_plain(hints[key], entry, f"{where}.{key}") for key, entry in value.items()})
