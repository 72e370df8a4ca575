"""Named axes: what a tensor's dimensions are, instead of where they are.

An axis is an identity, not a number. Two dynamic axes are the same only if they were made in the same way from the same
data: the time axis of "data" repeated by 2 equals itself and nothing else. So a network is checked without any lengths.
"""

from __future__ import annotations

from dataclasses import dataclass

BATCH, TIME, FEATURE, SPATIAL = "batch", "time", "feature", "spatial"


@dataclass(frozen=True)
class Axis:
    """
    :param kind: BATCH, TIME (dynamic, has a length per sequence), FEATURE or SPATIAL (static)
    :param size: number of entries; None where only the data can say (batch, time)
    :param origin: what a dynamic axis is, e.g. ("data",) or ("repeat", 2, ("data",)); empty for static axes
    """

    kind: str
    size: int | None = None
    origin: tuple = ()

    def derived(self, operation: str, *arguments) -> Axis:
        """:return: the axis that `operation` makes of this one, equal to any other made the same way"""
        return Axis(self.kind, None, (operation, *arguments, self.origin))

    def repeated(self, times: int) -> Axis:
        """:return: this axis with each entry `times` times in a row; twice by 2 is once by 4, and by 1 is this axis"""
        if times == 1:
            return self
        match self.origin:
            case ("repeat", int(before), tuple(origin)):
                return Axis(self.kind, None, origin).derived("repeat", before * times)
        return self.derived("repeat", times)

    def __str__(self) -> str:
        if self.kind == TIME:
            return f"time:{_origin_text(self.origin)}"
        return self.kind if self.size is None else f"{self.kind}:{self.size}"


def _origin_text(origin: tuple) -> str:
    if len(origin) == 1:
        return str(origin[0])
    *operation, source = origin
    return f"{operation[0]}({', '.join([_origin_text(source), *map(str, operation[1:])])})"


Batch = Axis(BATCH)


def Time(key: str) -> Axis:
    """:return: the time axis of the data stream `key`"""
    return Axis(TIME, None, (key,))


def Feature(size: int) -> Axis:
    """:return: a feature axis with `size` entries"""
    return Axis(FEATURE, size)
