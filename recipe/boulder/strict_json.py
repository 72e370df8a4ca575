"""JSON that every parser reads: a number that is not finite is `null`, as Python's `NaN` and `Infinity` are no JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def dumps(value: Any, **options: Any) -> str:
    """
    :param options: of `json.dumps`
    :return: JSON
    :raises TypeError: for a value that JSON does not have
    """
    return json.dumps(finite(value), allow_nan=False, **options)


def finite(value: Any) -> Any:
    """:return: plain data with None in place of numbers that are not finite"""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return value
