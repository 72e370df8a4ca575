"""Which layers of a loop are computed for all frames at once: before the loop, or after it.

A layer must be computed frame by frame if what comes out of it comes back to it, through whatever `prev:` of others, and so
must all that lies between two such layers, and what reads the memory of one of them. The others need not be: what they
depend on is there for all frames, before the loop or after it.
"""

from __future__ import annotations

from collections.abc import Mapping

from boulder.network.loop.subnet import LoopSubnet
from boulder.network.refs import RefKind
from boulder.network.specs import Placement


def place(subnet: LoopSubnet, length_is_known: bool) -> Placement:
    """
    :param length_is_known: whether it is known before the loop how many frames there are
    """
    sources = {name: _own_sources(subnet, name) for name in subnet.nodes}
    if subnet.loop.optimize_move_layers_out is False:
        return Placement((), tuple(subnet.nodes), ())
    ahead = _closure(sources)  # name → all that it depends on
    inside = {name for name in subnet.nodes if name in ahead[name] or subnet.nodes[name].layer.one_by_one(subnet.mode)}
    if not length_is_known:
        inside |= {"end"} & set(subnet.nodes)
    by_frame = _by_frame(subnet, sources)
    inside |= {name for name in subnet.nodes if subnet.nodes[name].layer.differs_by_frame} - by_frame
    inside |= _between(inside, ahead)
    while more := {name for name in subnet.nodes if _reads_memory_of(subnet, name, sources[name] & inside)} - inside:
        inside |= more | _between(inside | more, ahead)
    if not length_is_known:
        behind = {name for name in subnet.nodes if ahead[name] & inside}
        inside |= {name for name in subnet.nodes if name in by_frame and name not in behind}
    after = {name for name in subnet.nodes if name not in inside and ahead[name] & inside}
    in_order = _ordered(subnet, sources, ahead)
    return Placement(
        tuple(name for name in in_order if name not in inside and name not in after),
        tuple(name for name in subnet.nodes if name in inside),
        tuple(name for name in in_order if name in after),
    )


def _own_sources(subnet: LoopSubnet, name: str) -> set[str]:
    return {own for ref in subnet.nodes[name].refs if (own := subnet.own(ref))}


def _reads_memory_of(subnet: LoopSubnet, name: str, layers: set[str]) -> bool:
    return bool(layers) and subnet.nodes[name].layer.reads_memory


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


_BY_FRAME = (RefKind.PREV, RefKind.INPUT, RefKind.DATA, RefKind.STEP)


def _by_frame(subnet: LoopSubnet, sources: Mapping[str, set[str]]) -> set[str]:
    """:return: layers that differ from frame to frame"""
    found: set[str] = set()
    for _ in subnet.nodes:
        for name, node in subnet.nodes.items():
            differs = any(ref.subnet == subnet.name and ref.kind in _BY_FRAME for ref in node.sources)
            if differs or sources[name] & found:
                found.add(name)
    return found


def _ordered(subnet: LoopSubnet, sources: Mapping[str, set[str]], ahead: Mapping[str, set[str]]) -> list[str]:
    """:return: layers after all that they depend on, in whichever frame; those that come back to themselves anyhow"""
    return sorted(subnet.nodes, key=lambda name: len(ahead[name]))
