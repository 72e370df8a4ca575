"""Equality of net dicts by value: what decides whether a new phase begins."""

import math
import sys
import types

_ATOMS = (str, int, bool, type(None))  # most of what there is: a short way for them


def same_value(a: object, b: object) -> bool:
    """
    Dicts regardless of order; tuples are lists; NumPy scalars and arrays are the numbers that they hold; NaN equals NaN;
    functions are equal if their source and what they capture are; other objects if they say so, or, where their class
    defines no equality, if they would be pickled the same way. `1`, `1.0` and `True` are equal, as for RETURNN.
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
    if _is_array(a) and _is_array(b):
        return _same_array(a, b)
    a, b = (x.tolist() if _is_numpy(x) else x for x in (a, b))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same_value, a, b))
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    if isinstance(a, types.FunctionType) and isinstance(b, types.FunctionType):
        return _same_function(a, b)
    return _same_object(a, b)


def _is_numpy(value: object) -> bool:
    return type(value).__module__ == "numpy" and hasattr(value, "tolist")  # without importing NumPy


def _is_array(value: object) -> bool:
    return _is_numpy(value) and getattr(value, "ndim", 0) > 0


def _same_array(a, b) -> bool:
    try:
        return bool(sys.modules["numpy"].array_equal(a, b, equal_nan=a.dtype.kind in "fc" and b.dtype.kind in "fc"))
    except (TypeError, ValueError):  # arrays of objects
        return same_value(a.tolist(), b.tolist())


def _same_function(a: types.FunctionType, b: types.FunctionType) -> bool:
    from boulder.errors import ConfigError
    from boulder.schedule.functions import function_digest  # reads source files: only where it comes to that

    try:
        return function_digest(a) == function_digest(b)
    except ConfigError:  # captures what has no value, e.g. an open file; the one who hashes it will say so
        return False


def _same_object(a: object, b: object) -> bool:
    try:
        if bool(a == b):
            return True
        if type(a) is not type(b) or type(a).__eq__ is not object.__eq__:
            return False
        return all(map(same_value, _state(a), _state(b)))
    except Exception:  # an __eq__ or a __reduce__ of somebody else's: what cannot be compared is not known to be equal
        return False


def _state(value: object) -> list:
    reduced = value.__reduce_ex__(4)
    parts = [reduced] if isinstance(reduced, str) else list(reduced)
    parts += [None] * (5 - len(parts))
    parts[3:5] = [list(part) if part is not None else None for part in parts[3:5]]  # iterators over items
    return parts
