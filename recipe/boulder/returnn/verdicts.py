"""`Verdict`: what Boulder does with an option of RETURNN."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum

import numpy as np


class Kind(Enum):
    """The three verdicts."""

    HONOURED = "honoured"
    WITHOUT_EFFECT = "without effect here"
    REFUSED = "refused"


@dataclass(frozen=True)
class Verdict:
    """
    :param reason: why the option has no effect, or is refused; "" for an honoured one
    :param harmless: values at which a refused option has no effect in RETURNN; None is always one
    """

    kind: Kind
    reason: str = ""
    harmless: Collection[object] = ()

    def refuses(self, value: object) -> bool:
        """:return: whether an option of this verdict is refused with this value"""
        if self.kind is not Kind.REFUSED or value is None:
            return False
        return not any(_same(value, harmless) for harmless in self.harmless)


HONOURED = Verdict(Kind.HONOURED)


def without_effect(reason: str, *names: str) -> dict[str, Verdict]:
    """:return: name → verdict"""
    return dict.fromkeys(names, Verdict(Kind.WITHOUT_EFFECT, reason))


def refused(reason: str, *names: str, unless: Collection[object] = ()) -> dict[str, Verdict]:
    """
    :param unless: values at which the options have no effect, besides None
    :return: name → verdict
    """
    return dict.fromkeys(names, Verdict(Kind.REFUSED, reason, unless))


def table(*parts: dict[str, Verdict], honoured: Iterable[str]) -> dict[str, Verdict]:
    """
    :return: all rows, sorted by name
    :raises ValueError: for a name with two verdicts
    """
    rows = dict.fromkeys(honoured, HONOURED)
    for part in parts:
        if twice := rows.keys() & part.keys():
            raise ValueError(f"options with two verdicts: {', '.join(sorted(twice))}")
        rows |= part
    return dict(sorted(rows.items()))


def _same(value: object, harmless: object) -> bool:
    if isinstance(value, np.ndarray):
        return False
    return (type(value) is type(harmless) and value == harmless) or _number(value) == _number(harmless) is not None


def _number(value: object) -> float | None:
    """:return: the value as a number, as RETURNN reads it: `False` is 0; None for others"""
    return float(value) if isinstance(value, bool | int | float | np.number) else None
