"""Plain JSON values: what a job's arguments and its hash are made of.

    np.int64(4) → 4          np.float32(0.5) → 0.5      np.array([1, 2]) → [1, 2]     (1, 2), range(1, 3) → [1, 2]
    {3, 1} → [1, 3]          Path("a/b") → "a/b"        None, bools and strings stay
    float("inf") → {"#float": "inf"}                    JSON has no such numbers
    {1: 0.5} → {"#items": [[1, 0.5]]}                   JSON has no integer keys, and "1" is not 1
    a function → {"#function": digest}                  by its source and what it captures, see `functions`
    a Dim → {"#value": "module:Dim", "of": {…}}         and whatever else of Boulder's has `to_plain` and `from_plain`

The value of a value that is already plain is itself. `functions.restore` is the way back.
"""

import hashlib
import json
import math
import os
from collections.abc import Callable

from boulder.errors import ConfigError

_KINDS = "None, bool, int, float, str, path, list, tuple, set, dict, NumPy value or function"


def canonical(value: object, functions: dict[str, dict] | None = None) -> object:
    """
    :param value: e.g. a net dict, or the overrides of a phase
    :param functions: if given, is filled with what a worker needs to have the functions: digest → plain dict. It is no
        part of a hash: the digests in the result are
    :return: dicts with str keys in their order, lists, str, int, float, bool, None
    :raises ConfigError: for anything else, naming the path of keys to it
    """
    from boulder.schedule.functions import FunctionByValue  # which needs this module

    def function(value: object, path: str) -> dict[str, str]:
        if not callable(value):
            raise ConfigError(f"{path}: found {_short(value)}, expected {_KINDS}")
        by_value = value if isinstance(value, FunctionByValue) else FunctionByValue(value, path)
        if functions is not None and by_value.digest not in functions:
            functions[by_value.digest] = by_value.payload()
        return {"#function": by_value.digest}

    return to_plain(value, function)


def digest(value: object) -> str:
    """
    :return: the SHA-256 of a value's canonical form, in which the order of dict keys does not count
    :raises ConfigError: as `canonical`
    """
    text = json.dumps(canonical(value), sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def to_plain(value: object, other: Callable[[object, str], object], path: str = "") -> object:
    """
    :param other: called with a value that JSON does not have, and the path to it; returns a plain one, or raises
    :param path: keys from the outermost value to this one, for messages
    """
    try:
        return _to_plain(value, other, path)
    except RecursionError:
        raise ConfigError(
            f"{path or 'value'}: found {type(value).__name__} that contains itself, or is too deep"
        ) from None


def _to_plain(value: object, other: Callable[[object, str], object], path: str) -> object:
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):  # without importing NumPy
        plain = value.tolist()
        value = plain if type(plain) is not type(value) else float(value)  # longdouble gives itself
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
        return {"#value": f"{cls.__module__}:{cls.__qualname__}", "of": _to_plain(value.to_plain(), other, path)}
    return other(value, path or "value")


def _has_plain_form(value: object) -> bool:
    return type(value).__module__.startswith("boulder.") and hasattr(type(value), "from_plain")


def _plain_dict(value: dict, other: Callable[[object, str], object], path: str) -> dict:
    keys = {}
    for key in value:
        known = hasattr(key, "__index__") or isinstance(key, str) or _has_plain_form(key)
        plain = _to_plain(key, other, path) if known else None
        if plain is None:
            raise ConfigError(f"{path or 'value'}: found key {_short(key)}, expected a str or an int")
        keys[key] = plain
    prefix = f"{path}/" if path else ""
    items = [[plain, _to_plain(value[key], other, f"{prefix}{plain}")] for key, plain in keys.items()]
    if all(isinstance(plain, str) for plain, _ in items):
        return dict(items)
    return {"#items": sorted(items, key=lambda pair: _sort_key(pair[0]))}


def _sort_key(plain: object) -> tuple[str, object]:
    number = isinstance(plain, int | float)
    return ("number", plain) if number else (type(plain).__name__, json.dumps(plain, sort_keys=True))


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 60 else text[:57] + '…'} ({type(value).__name__})"
