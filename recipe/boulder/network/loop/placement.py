"""Which layers of a loop are computed for all frames at once: before the loop, or after it.

A layer must be computed frame by frame if what comes out of it comes back to it, through whatever `prev:` of others, and so
must all that lies between two such layers, and what reads the memory of one of them. The others need not be: what they
depend on is there for all frames, before the loop or after it.
"""

from __future__ import annotations

from collections.abc import Mapping

from boulder.network.loop.unit import SOURCE, Unit
from boulder.network.specs import Placement


def place(unit: Unit, length_is_known: bool) -> Placement:
    """
    :param length_is_known: whether it is known before the loop how many frames there are
    """
    sources = {name: _own_sources(unit, name) for name in unit.nodes}
    if unit.loop.optimize_move_layers_out is False:
        return Placement((), tuple(unit.nodes), ())
    ahead = _closure(sources)  # name → all that it depends on
    inside = {name for name in unit.nodes if name in ahead[name] or unit.nodes[name].layer.one_by_one(unit.mode)}
    if not length_is_known:
        inside |= {"end"} & set(unit.nodes)
    by_frame = _by_frame(unit, sources)
    inside |= {name for name in unit.nodes if unit.nodes[name].layer.differs_by_frame} - by_frame
    inside |= _between(inside, ahead)
    while more := {name for name in unit.nodes if _reads_memory_of(unit, name, sources[name] & inside)} - inside:
        inside |= more | _between(inside | more, ahead)
    if not length_is_known:
        behind = {name for name in unit.nodes if ahead[name] & inside}
        inside |= {name for name in unit.nodes if name in by_frame and name not in behind}
    after = {name for name in unit.nodes if name not in inside and ahead[name] & inside}
    in_order = _ordered(unit, sources, ahead)
    return Placement(
        tuple(name for name in in_order if name not in inside and name not in after),
        tuple(name for name in unit.nodes if name in inside),
        tuple(name for name in in_order if name in after),
    )


def _own_sources(unit: Unit, name: str) -> set[str]:
    node = unit.nodes[name]
    every = [*node.sources, *node.others, *(node.unit.outer_sources() if node.unit else ())]
    return {own for source in every if (own := unit.inside(source))}


def _reads_memory_of(unit: Unit, name: str, layers: set[str]) -> bool:
    return bool(layers) and unit.nodes[name].layer.reads_memory


def _closure(sources: Mapping[str, set[str]]) -> dict[str, set[str]]:
    reached = {name: set(direct) for name, direct in sources.items()}
    changed = True
    while changed:
        changed = False
        for found in reached.values():
            more = set().union(*(reached[name] for name in found)) - found
            if more:
                found |= more
                changed = True
    return reached


def _between(inside: set[str], ahead: Mapping[str, set[str]]) -> set[str]:
    needed = set().union(*(ahead[name] for name in inside))
    return {name for name in needed if ahead[name] & inside}


def _by_frame(unit: Unit, sources: Mapping[str, set[str]]) -> set[str]:
    """:return: layers that differ from frame to frame"""
    found: set[str] = set()
    for _ in unit.nodes:
        for name, node in unit.nodes.items():
            own = [s for s in node.sources if s.startswith(f"{unit.name}/")]
            if (
                any("/prev:" in s or s.endswith(SOURCE) or "/data:" in s or "/:i" in s for s in own)
                or sources[name] & found
            ):
                found.add(name)
    return found


def _ordered(unit: Unit, sources: Mapping[str, set[str]], ahead: Mapping[str, set[str]]) -> list[str]:
    """:return: layers after all that they depend on, in whichever frame; those that come back to themselves anyhow"""
    return sorted(unit.nodes, key=lambda name: len(ahead[name]))
