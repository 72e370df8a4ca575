"""`OptionKind`: the values that an option may have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeGuard


@dataclass(frozen=True)
class OptionKind:
    """
    :param expected: description of a valid value, for messages
    :param fits: whether a value is valid
    """

    expected: str
    fits: Callable[[Any], bool]


def is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


FLAG = OptionKind("True or False", lambda value: isinstance(value, bool))
INT = OptionKind("an int", is_int)
NUMBER = OptionKind("a number", is_number)
STRING = OptionKind("a string", lambda value: isinstance(value, str))
NOT_NEGATIVE = OptionKind("a number, 0 or more", lambda value: is_number(value) and value >= 0)
