"""Options of the automata that are made of data streams."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CtcOptions:
    """
    :param blank_idx: class of the blank; None: the last one
    :param label_loop: whether a label may last several frames
    :param ctc_merge_repeated: the same under another name
    """

    blank_idx: int | None = None
    label_loop: bool | None = None
    ctc_merge_repeated: bool | None = None

    @property
    def loops(self) -> bool:
        given = self.label_loop if self.ctc_merge_repeated is None else self.ctc_merge_repeated
        return True if given is None else given


@dataclass(frozen=True, kw_only=True)
class HmmOptions:
    """
    Costs are negative logarithms of transition probabilities, as in RASR; `tdp_scale` multiplies them.

    :param loop: cost of staying in a state
    :param forward: cost of entering a state
    :param silence: class of an optional state before the first one and after the last one
    """

    loop: float = 0.0
    forward: float = 0.0
    silence: int | None = None


def stream_of_automata(sprint_opts: dict | None) -> str | None:
    """:return: `automata` of `sprint_opts`: the data stream with the automata that RASR would make"""
    stream = (sprint_opts or {}).get("automata")
    return stream if isinstance(stream, str) and stream else None


NEEDS_AUTOMATA = (
    "needs automata, which RASR makes in RETURNN; expected 'sprint_opts': {'automata': STREAM}, a data stream with them: "
    "jobs.automata writes it from a lexicon or from files of OpenFst, see docs/data.md"
)
