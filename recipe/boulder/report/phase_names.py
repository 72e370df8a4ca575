"""Chooses the names of phases that fit above a curve."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from boulder.report.model import PhaseRow
from boulder.schedule.labels import index_label, short_index_label

_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class PhaseName:
    """
    :param text: e.g. `index 3`, or `3` in a narrow phase
    :param center: horizontal position in epochs
    :param left: left border of the text, half a character of space included
    :param right: right border of the text, likewise
    :param is_wide: whether the longest form fits above the phase
    """

    text: str
    center: float
    left: float
    right: float
    is_wide: bool


def phase_names(phases: Sequence[PhaseRow], last_epoch: int, character: float) -> list[PhaseName]:
    """
    :param phases: visible phases
    :param last_epoch: right border of the figure
    :param character: width of a character, in epochs
    :return: names that do not overlap: those of wide phases, those of every second (fifth, …) other phase, and the last
    """
    names = [_name(phase, last_epoch, character) for phase in phases]
    kept = names
    for step in _STEPS:
        kept = [name for number, name in enumerate(names) if name.is_wide or number % step == 0]
        if all(left.right <= right.left for left, right in pairwise(kept)):
            break
    last = names[-1:]
    return [name for name in kept if last and name.right <= last[0].left] + last


def _name(phase: PhaseRow, last_epoch: int, character: float) -> PhaseName:
    left, right = phase.first_epoch - 0.5, min(phase.last_epoch, last_epoch) + 0.5
    short = short_index_label(phase.index)
    texts = [short, "orig."] if phase.index is None else [index_label(phase.index), short]
    fitting = [text for text in texts if len(text) * character < right - left]
    text = fitting[0] if fitting else texts[-1]
    center, half = (left + right) / 2, (len(text) + 1) * character / 2
    return PhaseName(text, center, center - half, center + half, len(fitting) == len(texts))
