"""`boulder plan --loops`: which layers of a loop are computed inside it, frame by frame, and which before or after it."""

from __future__ import annotations

from collections.abc import Iterator

from boulder.errors import BoulderError
from boulder.network import describe
from boulder.schedule import Plan

_MODES = {"train": "training", "search": "search"}


def loop_lines(plan: Plan, extern_data: dict) -> Iterator[str]:
    """:return: lines for each phase; "as before" if its loops are those of the phase before"""
    before: list[str] = []
    for number, phase in enumerate(plan.phases):
        lines = [line for mode in _MODES for line in _of_mode(phase.network, extern_data, mode)]
        yield f"phase {number} ({phase.name}), epochs {phase.epochs[0]}–{phase.epochs[-1]}"
        if not lines:
            yield "  no loop"
        elif lines == before:
            yield "  as before"
        else:
            yield from lines
        before = lines


def _of_mode(network: dict, extern_data: dict, mode: str) -> Iterator[str]:
    try:
        spec = describe(network, extern_data, mode)
    except BoulderError as error:
        yield f"  {_MODES[mode]}: {error}"
        return
    for name, placement in spec.loops.items():
        yield f"  {name}, {_MODES[mode]}"
        for where in ("before", "inside", "after"):
            layers = getattr(placement, where)
            if layers:
                yield f"    {where + ':':8}{', '.join(layers)}"
