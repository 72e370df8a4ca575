"""Layered layout of a directed acyclic graph: each box is below the boxes that it depends on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

Edge = tuple[str, str]
Point = tuple[float, float]

_PITCH = 1.15
"""Distance between the centers of neighboring boxes, in box widths."""
_LINE_WIDTH = 0.25
"""Space for a line that crosses a layer, as a fraction of the space for a box."""


@dataclass(frozen=True)
class Arrangement:
    """
    :param positions: node → (x, y) of its center: x in box widths, y the number of the layer, 0 at the top
    :param lines: edge → points of its line, one per layer, from center to center
    """

    positions: dict[str, Point]
    lines: dict[Edge, list[Point]]


def without_detours(nodes: Sequence[str], edges: Sequence[Edge], keep: Sequence[Edge] = ()) -> list[Edge]:
    """
    :param nodes: in topological order
    :param keep: edges to keep in any case
    :return: transitive reduction: the edges without those that others imply; of a→b, b→c, a→c the first two
    """
    needs: dict[str, set[str]] = defaultdict(set)
    for source, target in edges:
        needs[target].add(source)
    above: dict[str, set[str]] = {}
    for node in nodes:
        above[node] = needs[node].union(*(above[source] for source in needs[node]))
    implied = {(a, c) for c in nodes for b in needs[c] for a in above[b] & needs[c]}
    return [edge for edge in edges if edge in keep or edge not in implied]


def arrange(nodes: Sequence[str], edges: Sequence[Edge]) -> Arrangement:
    """
    Run Sugiyama's layered layout on each connected component and place the components side by side.

    :param edges: pairs of `nodes`, without cycles
    """
    positions: dict[str, Point] = {}
    lines: dict[Edge, list[Point]] = {}
    right = 0.0
    for component in _components(nodes, edges):
        own = [edge for edge in edges if edge[0] in component]
        arranged = _arrange_component([node for node in nodes if node in component], own, left=right)
        positions |= arranged.positions
        lines |= arranged.lines
        right = _PITCH + max(x for x, _ in [*positions.values(), *chain(*lines.values())])
    return Arrangement(positions, lines)


def _components(nodes: Sequence[str], edges: Sequence[Edge]) -> list[set[str]]:
    """:return: weakly connected components"""
    component = {node: {node} for node in nodes}
    for source, target in edges:
        if component[source] is not component[target]:
            component[source] |= component[target]
            component |= dict.fromkeys(component[target], component[source])
    return list({id(found): found for found in component.values()}.values())


def _arrange_component(nodes: Sequence[str], edges: Sequence[Edge], left: float) -> Arrangement:
    from fast_sugiyama import from_edges

    if not edges:
        return Arrangement(dict.fromkeys(nodes, (left, 0.0)), {})
    # Given names instead of numbers, the library's result differs between processes. Given several components at once,
    # it assigns one number to several dummy nodes.
    number = {node: place for place, node in enumerate(nodes)}
    [(places, width, height, found)] = from_edges(
        [(number[source], number[target]) for source, target in edges],
        vertex_spacing=1,
        dummy_vertices=True,
        dummy_size=_LINE_WIDTH,
        ranking_type="down",
    )
    # The library's y axis points up, and it places the first of two equal nodes on the right.
    points = {int(place): (left + (width - x) * _PITCH, float(round(height - y))) for place, (x, y) in places}
    steps = [(int(source), int(target)) for source, target in found or ()]
    # Dummy nodes are the points where lines cross layers. Their numbers follow those of the nodes.
    after_dummy = {source: target for source, target in steps if source >= len(nodes)}
    lines: dict[Edge, list[Point]] = {}
    for source, target in steps:
        if source < len(nodes):
            passed = [source, target]
            while passed[-1] >= len(nodes):
                passed.append(after_dummy[passed[-1]])
            lines[nodes[source], nodes[passed[-1]]] = [points[place] for place in passed]
    return Arrangement({node: points[number[node]] for node in nodes}, lines)
