"""Canonical values: the plain JSON of which job arguments and their hashes consist.

    np.int64(4) → 4          np.float32(0.5) → 0.5      np.array([1, 2]) → [1, 2]     (1, 2), range(1, 3) → [1, 2]
    {3, 1} → [1, 3]          Path("a/b") → "a/b"        None, bools and strings stay
    float("inf") → {"#float": "inf"}                    JSON has no such numbers
    {1: 0.5} → {"#items": [[1, 0.5]]}                   JSON has no integer keys, and "1" is not 1
    a function → {"#function": digest}                  by its source and its captured values, see `functions`
    a Dim → {"#value": "module:Dim", "of": {…}}         and any other class of Boulder with `to_plain` and `from_plain`

The canonical form of a plain value is the value itself. `functions.restore` is the inverse.
"""

from __future__ import annotations

import hashlib
import json

from boulder.errors import ConfigError
from boulder.schedule.functions import FunctionByValue
from boulder.schedule.plain import Plain, to_plain
from boulder.schedule.user_code import short

_KINDS = "None, bool, int, float, str, path, list, tuple, set, dict, NumPy value or function"


def canonical(value: object, functions: dict[str, dict] | None = None) -> Plain:
    """
    :param value: e.g. a net dict, or the overrides of a phase
    :param functions: filled with the payload of each function, digest → plain dict, which a worker needs to restore it.
        Payloads do not enter a hash; the digests in the result do
    :return: dicts with str keys in their order, lists, str, int, float, bool, None
    :raises ConfigError: for any other value; names the path of keys to it
    """

    def function(value: object, path: str) -> dict[str, str]:
        if not callable(value):
            raise ConfigError(f"{path}: found {short(value)}, expected {_KINDS}")
        by_value = value if isinstance(value, FunctionByValue) else FunctionByValue(value, path)
        if functions is not None and by_value.digest not in functions:
            functions[by_value.digest] = by_value.payload()
        return {"#function": by_value.digest}

    return to_plain(value, function)


def digest(value: object) -> str:
    """
    :return: SHA-256 of the canonical form, independent of the order of dict keys
    :raises ConfigError: as `canonical`
    """
    text = json.dumps(canonical(value), sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
