"""Checks of the values of options."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import TypeGuard

from boulder.errors import DataError


def is_integer(value: object, lowest: float = -math.inf, highest: float = math.inf) -> TypeGuard[int]:
    """:return: whether the value is an integer in these limits; True and False are none"""
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def is_number(value: object) -> TypeGuard[float]:
    """:return: whether the value is an integer or a float; True and False are none"""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_integer(name: str, value: object, lowest: int, highest: int = (1 << 31) - 1) -> None:
    """:raises DataError: if the value is no integer in these limits"""
    if not is_integer(value, lowest, highest):
        upper = f" and at most {highest}" if highest < (1 << 31) - 1 else ""
        raise DataError(f"{name}: found {value!r:.60}, expected an integer of at least {lowest}{upper}")


def check_flags(options: object, names: Iterable[str]) -> None:
    """
    :param options: has the options as attributes
    :raises DataError: if one of these is neither True nor False
    """
    for name in names:
        value = getattr(options, name)
        if not isinstance(value, bool):
            raise DataError(f"{name}: found {value!r:.60}, expected True or False")


def check_file(name: str, value: object) -> None:
    """:raises DataError: if the value is neither a path nor None"""
    if value is not None and not isinstance(value, str | os.PathLike):
        raise DataError(f"{name}: found {value!r:.60}, expected a path")
