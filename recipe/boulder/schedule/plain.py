"""Plain JSON values of Python and NumPy values; `canonical` documents the mapping."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from boulder.errors import ConfigError
from boulder.schedule.user_code import short

Plain = Any
"""A JSON value without infinity and NaN."""


def to_plain(value: object, other: Callable[[object, str], Plain], path: str = "") -> Plain:
    """
    :param other: called as `other(value, path)` for a value that JSON lacks; returns a plain one, or raises
    :param path: keys from the outermost value to this one, for messages
    :raises ConfigError: for a value that contains itself, a key that is neither str nor int, or as `other` does
    """
    try:
        return _to_plain(value, other, path)
    except RecursionError:
        raise ConfigError(
            f"{path or 'value'}: found {type(value).__name__} that contains itself, or is too deep"
        ) from None


def _to_plain(value: object, other: Callable[[object, str], Plain], path: str) -> Plain:
    if isinstance(value, np.generic | np.ndarray):
        found = value.tolist()
        value = found if type(found) is not type(value) else float(value)  # tolist of a longdouble returns a longdouble
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"#float": repr(float(value))}
    if isinstance(value, list | tuple | range):
        return [_to_plain(item, other, f"{path}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, set | frozenset):
        return sorted((_to_plain(item, other, f"{path}{{}}") for item in value), key=_sort_key)
    if isinstance(value, dict):
        return _plain_dict(value, other, path)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if _has_plain_form(value):
        cls = type(value)
        fields = value.to_plain()  # type: ignore[attr-defined]  # see _has_plain_form
        return {"#value": f"{cls.__module__}:{cls.__qualname__}", "of": _to_plain(fields, other, path)}
    return other(value, path or "value")


def _has_plain_form(value: object) -> bool:
    return type(value).__module__.startswith("boulder.") and hasattr(type(value), "from_plain")


def _plain_dict(value: dict, other: Callable[[object, str], Plain], path: str) -> Plain:
    keys: dict[object, Plain] = {}
    for key in value:
        known = hasattr(key, "__index__") or isinstance(key, str) or _has_plain_form(key)
        plain = _to_plain(key, other, path) if known else None
        if plain is None:
            raise ConfigError(f"{path or 'value'}: found key {short(key)}, expected a str or an int")
        keys[key] = plain
    prefix = f"{path}/" if path else ""
    items = [(plain, _to_plain(value[key], other, f"{prefix}{plain}")) for key, plain in keys.items()]
    by_name = {plain: item for plain, item in items if isinstance(plain, str)}
    if len(by_name) == len(items):
        return by_name
    return {"#items": [list(item) for item in sorted(items, key=lambda pair: _sort_key(pair[0]))]}


def _sort_key(plain: Plain) -> tuple[str, object]:
    number = isinstance(plain, int | float)
    return ("number", plain) if number else (type(plain).__name__, json.dumps(plain, sort_keys=True))
