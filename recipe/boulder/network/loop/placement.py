"""Decides which layers of a loop are computed for all frames at once, before or after the loop.

A layer must be computed frame by frame if its output feeds back into it through `prev:` references. So must all layers on a
path between two such layers, and a layer that reads the state of one, or the previous state of any. All other layers are computed for all frames at once:
before the loop, or after it if they depend on a layer of the loop.
"""

from __future__ import annotations

from collections.abc import Mapping

from boulder.network.loop.subnet import LoopSubnet
from boulder.network.refs import RefKind
from boulder.network.specs import Placement


def place(subnet: LoopSubnet, length_is_known: bool) -> Placement:
    """
    :param length_is_known: whether the number of frames is known before the loop
    """
    sources = {name: _own_sources(subnet, name) for name in subnet.nodes}
    if subnet.loop.optimize_move_layers_out is False:
        return Placement((), tuple(subnet.nodes), ())
    ahead = _closure(sources)  # layer → all layers that it depends on
    inside = {name for name in subnet.nodes if name in ahead[name] or subnet.nodes[name].layer.one_by_one(subnet.mode)}
    if not length_is_known:
        inside |= {"end"} & set(subnet.nodes)
    by_frame = _by_frame(subnet, sources)
    inside |= {name for name in subnet.nodes if subnet.nodes[name].layer.differs_by_frame} - by_frame
    inside |= _previous_states(subnet)
    inside |= _between(inside, ahead)
    while more := {name for name in subnet.nodes if _reads_memory_of(subnet, name, sources[name] & inside)} - inside:
        inside |= more | _between(inside | more, ahead)
    if not length_is_known:
        behind = {
            name for name in subnet.nodes if ahead[name] & inside and not (subnet.end_decides and name in by_frame)
        }
        inside |= {name for name in subnet.nodes if name in by_frame and name not in behind}
    after = {name for name in subnet.nodes if name not in inside and ahead[name] & inside}
    in_order = _ordered(subnet, sources, ahead)
    return Placement(
        tuple(name for name in in_order if name not in inside and name not in after),
        tuple(name for name in subnet.nodes if name in inside),
        tuple(name for name in in_order if name in after),
    )


def _own_sources(subnet: LoopSubnet, name: str) -> set[str]:
    """:return: layers of the loop that the layer reads, in the current frame or in the previous one"""
    return {own for ref in subnet.nodes[name].refs if (own := subnet.own(ref))}


def _reads_memory_of(subnet: LoopSubnet, name: str, layers: set[str]) -> bool:
    return bool(layers) and subnet.nodes[name].layer.reads_memory


def _previous_states(subnet: LoopSubnet) -> set[str]:
    """:return: layers that read the state of a layer after the previous frame, and the layers that they read"""
    readers = {name: node.sources for name, node in subnet.nodes.items() if node.layer.reads_memory}
    pairs = [(name, subnet.own(ref)) for name, refs in readers.items() for ref in refs if ref.kind is RefKind.PREV]
    return {name for pair in pairs for name in pair if name}


def _closure(sources: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """:return: transitive closure: layer → all layers that it depends on"""
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
    """:return: layers on a path between two layers of `inside`"""
    needed = set().union(*(ahead[name] for name in inside))
    return {name for name in needed if ahead[name] & inside}


_DIFFER_BY_FRAME = (RefKind.PREV, RefKind.INPUT, RefKind.DATA, RefKind.STEP, RefKind.FRAME)


def _by_frame(subnet: LoopSubnet, sources: Mapping[str, set[str]]) -> set[str]:
    """:return: layers whose output differs from frame to frame"""
    found: set[str] = set()
    for _ in subnet.nodes:
        for name, node in subnet.nodes.items():
            differs = any(ref.subnet == subnet.name and ref.kind in _DIFFER_BY_FRAME for ref in node.sources)
            if differs or sources[name] & found:
                found.add(name)
    return found


def _ordered(subnet: LoopSubnet, sources: Mapping[str, set[str]], ahead: Mapping[str, set[str]]) -> list[str]:
    """:return: each layer after all layers that it depends on, in any frame; the order of layers in a feedback is arbitrary"""
    return sorted(subnet.nodes, key=lambda name: len(ahead[name]))
