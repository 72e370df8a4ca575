"""Equality of net dicts by value, which decides where a new phase begins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from boulder.errors import ConfigError
from boulder.schedule.functions import function_digest

_ATOMS = (str, int, bool, type(None))  # a fast path for most values


def same_value(a: object, b: object) -> bool:
    """
    Compares dicts regardless of order, tuples as lists, NumPy scalars and arrays as the numbers they hold, NaN as equal to
    NaN, and functions by their source and captured values, callable objects and bound methods likewise. Other objects are
    equal if their `__eq__` says so or, where their class defines no equality, if they pickle to the same state. `1`, `1.0` and
    `True` are equal, as in RETURNN.
    """
    if a is b:
        return True
    if type(a) in _ATOMS and type(b) in _ATOMS:
        return a == b
    if isinstance(a, dict) and isinstance(b, dict):
        return len(a) == len(b) and all(
            key in b and (item is b[key] or same_value(item, b[key])) for key, item in a.items()
        )
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return _same_array(a, b)
    a, b = (x.tolist() if isinstance(x, np.generic | np.ndarray) else x for x in (a, b))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return _same_object(a, b)


def _same_array(a: np.ndarray, b: np.ndarray) -> bool:
    try:
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc"))
    except (TypeError, ValueError):  # arrays of objects
        return same_value(a.tolist(), b.tolist())


def _same_digest(a: Any, b: Any) -> bool:
    try:
        return function_digest(a) == function_digest(b)
    except ConfigError:  # captures an object without a value, e.g. an open file; hashing it will raise
        return False


def _same_object(a: object, b: object) -> bool:
    try:
        if bool(a == b):
            return True
        if callable(a) and callable(b):
            return _same_digest(a, b)
        if type(a).__eq__ is not object.__eq__ or type(a).__qualname__ != type(b).__qualname__:
            return False
        if type(a) is not type(b):  # a class that the algo defines anew at each call
            return _same_digest(a, b)
        return all(map(same_value, _state(a), _state(b)))
    except Exception:  # a foreign __eq__ or __reduce__ may raise anything; then equality is unknown
        return False


def _state(value: object) -> list[object]:
    """:return: the parts of pickle's `__reduce_ex__`, with its iterators as lists"""
    reduced = value.__reduce_ex__(4)
    parts: list = [reduced] if isinstance(reduced, str) else list(reduced)
    parts += [None] * (5 - len(parts))
    parts[3:5] = [list(part) if part is not None else None for part in parts[3:5]]
    return parts
