"""`without_numpy`: options that a config computes with NumPy, as Python's values."""

from __future__ import annotations

from typing import Any

import numpy


def without_numpy(value: Any) -> Any:
    """:return: the value with Python's numbers, bools, strings and lists in place of NumPy's, also in dicts and lists"""
    if isinstance(value, numpy.generic | numpy.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {without_numpy(key): without_numpy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_numpy(item) for item in value]
    return value
