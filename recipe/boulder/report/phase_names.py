"""Places the names of phases above a plot, without overlaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from boulder.report.model import PhaseRow
from boulder.schedule.labels import index_label

_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Name:
    """
    :param text: e.g. `index 3`, or `3` if there is no room
    :param center: in epochs
    :param left: left edge of the text, with a margin of half a letter, in epochs
    :param right: right edge of the text, likewise
    :param is_wide: whether the phase has room for the long form
    """

    text: str
    center: float
    left: float
    right: float
    is_wide: bool


def phase_names(phases: Sequence[PhaseRow], last_epoch: int, letter: float) -> list[Name]:
    """
    :param phases: the visible phases
    :param last_epoch: right end of the x axis
    :param letter: width of a letter, in epochs
    :return: names that do not overlap: those of wide phases, every second, fifth, … of the others, and the last one
    """
    names = [_name(phase, last_epoch, letter) for phase in phases]
    for step in _STEPS:
        kept = [name for number, name in enumerate(names) if name.is_wide or number % step == 0]
        if all(left.right <= right.left for left, right in pairwise(kept)):
            break
    last = names[-1:]
    return [name for name in kept if last and name.right <= last[0].left] + last


def _name(phase: PhaseRow, last_epoch: int, letter: float) -> Name:
    left, right = phase.first_epoch - 0.5, min(phase.last_epoch, last_epoch) + 0.5
    texts = ["original", "orig."] if phase.index is None else [index_label(phase.index), phase.label]
    fitting = [text for text in texts if len(text) * letter < right - left]
    text = fitting[0] if fitting else texts[-1]
    center, half = (left + right) / 2, (len(text) + 1) * letter / 2
    return Name(text, center, center - half, center + half, len(fitting) == len(texts))
