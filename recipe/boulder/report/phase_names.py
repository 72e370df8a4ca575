"""Which names of phases have room above a curve, and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from boulder.report.model import PhaseRow

_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Name:
    """
    :param text: e.g. `index 3`, or `3` where that has no room
    :param center: in epochs
    :param left: where the text begins, with half a letter to spare
    :param right: where it ends
    :param is_wide: its phase has room for more than a number
    """

    text: str
    center: float
    left: float
    right: float
    is_wide: bool


def phase_names(phases: Sequence[PhaseRow], last_epoch: int, letter: float) -> list[Name]:
    """
    :param phases: those that are shown
    :param last_epoch: where the picture ends
    :param letter: width of a letter, in epochs
    :return: names that do not overlap: those of wide phases, of the others each second, fifth, …, and the last one
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
    texts = [f"index {phase.label}", phase.label] if phase.index is not None else ["original", "orig."]
    fitting = [text for text in texts if len(text) * letter < right - left]
    text = fitting[0] if fitting else texts[-1]
    center, half = (left + right) / 2, (len(text) + 1) * letter / 2
    return Name(text, center, center - half, center + half, len(fitting) == len(texts))
