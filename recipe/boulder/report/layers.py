"""Where the boxes and lines of a directed graph without circles have room: in layers, each box above those that need it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Edge = tuple[str, str]
_SWEEPS = 24
_STRAIGHT = 8
"""So much more such a line pulls at its ends than others do."""
_TINY = 1e-9
_DUMMY_WIDTH = 0.25
"""Of a line that passes a layer, in widths of a box."""


@dataclass(frozen=True)
class Arrangement:
    """
    :param positions: node → (x, y) of its middle; in widths of a box and in layers, y downwards from 0
    :param lines: edge → the points that it passes, from one middle to the other
    """

    positions: dict[str, tuple[float, float]]
    lines: dict[Edge, list[tuple[float, float]]]


def without_detours(nodes: Sequence[str], edges: Sequence[Edge], keep: Sequence[Edge] = ()) -> list[Edge]:
    """
    :param nodes: each after those that it needs
    :param keep: edges that stay in any case
    :return: the edges without those that others say already: of a→b, b→c, a→c not the last
    """
    needs: dict[str, set[str]] = defaultdict(set)
    for source, target in edges:
        needs[target].add(source)
    above: dict[str, set[str]] = {}
    for node in nodes:
        above[node] = needs[node].union(*(above[source] for source in needs[node]))
    said = {(a, c) for c in nodes for b in needs[c] for a in above[b] & needs[c]}
    return [edge for edge in edges if edge in keep or edge not in said]


def arrange(
    nodes: Sequence[str], edges: Sequence[Edge], straight: Collection[Edge] = (), gap: float = 0.15
) -> Arrangement:
    """
    :param nodes: each after those that it needs
    :param straight: edges that had best be so
    :param gap: between boxes, in widths of a box
    """
    layer = _layers(nodes, edges)
    passed = {edge: _passed(edge, layer) for edge in edges}
    rows: dict[int, list[str]] = defaultdict(list)
    for node in nodes:
        rows[layer[node]].append(node)
    for edge in edges:
        for level, dummy in zip(range(layer[edge[0]] + 1, layer[edge[1]]), passed[edge][1:-1], strict=True):
            rows[level].append(dummy)
    beside: dict[str, list[str]] = defaultdict(list)
    for edge, points in passed.items():
        for upper, lower in pairwise(points):
            pull = _STRAIGHT if edge in straight or not {upper, lower} & set(edge) else 1
            beside[upper] += [lower] * pull
            beside[lower] += [upper] * pull
    width = {name: 1.0 if name in layer else _DUMMY_WIDTH for row in rows.values() for name in row}
    x = _across(rows, beside, width, gap)
    x = _straightened(
        x, rows, [*_chains(straight), *(points[1:-1] for points in passed.values() if len(points) > 3)], width, gap
    )
    at = {name: (x[name], float(level)) for level, row in rows.items() for name in row}
    return Arrangement(
        {node: at[node] for node in nodes}, {edge: [at[name] for name in passed[edge]] for edge in edges}
    )


def _layers(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """:return: below all that a node needs, and just above what needs it first"""
    needs, users = defaultdict(list), defaultdict(list)
    for source, target in edges:
        needs[target].append(source)
        users[source].append(target)
    layer: dict[str, int] = {}
    for node in nodes:
        layer[node] = max((layer[source] + 1 for source in needs[node]), default=0)
    for node in reversed(nodes):
        if users[node]:
            layer[node] = min(layer[user] for user in users[node]) - 1
    return layer


def _passed(edge: Edge, layer: Mapping[str, int]) -> list[str]:
    """:return: its ends, and between them a name for each layer that it passes"""
    source, target = edge
    return [source, *(f"{source}→{target}@{level}" for level in range(layer[source] + 1, layer[target])), target]


def _chains(edges: Iterable[Edge]) -> list[list[str]]:
    """:return: nodes that follow each other by `edges`, as long as each has one before and one behind it"""
    behind, before = defaultdict(list), defaultdict(list)
    for source, target in edges:
        behind[source].append(target)
        before[target].append(source)
    chains: list[list[str]] = []
    for source in [node for node in behind if len(before[node]) != 1]:
        chain = [source]
        while len(behind[chain[-1]]) == 1 and len(before[behind[chain[-1]][0]]) == 1:
            chain.append(behind[chain[-1]][0])
        chains.append(chain)
    return chains


def _across(
    rows: Mapping[int, list[str]], beside: Mapping[str, list[str]], width: Mapping[str, float], gap: float
) -> dict[str, float]:
    """:return: each name near those that it is linked with, without overlaps within a row"""
    x: dict[str, float] = {}
    for row in rows.values():
        x |= dict(
            zip(row, _spread([float(i) for i in range(len(row))], [width[name] for name in row], gap), strict=True)
        )
    for sweep in range(_SWEEPS):
        for level in sorted(rows, reverse=bool(sweep % 2)):
            row = rows[level]
            wish = {
                name: sum(x[other] for other in beside[name]) / len(beside[name]) if beside[name] else x[name]
                for name in row
            }
            row.sort(key=lambda name, wish=wish: wish[name])
            x |= dict(zip(row, _spread([wish[name] for name in row], [width[name] for name in row], gap), strict=True))
    return x


def _straightened(
    x: dict[str, float],
    rows: Mapping[int, list[str]],
    chains: Iterable[list[str]],
    width: Mapping[str, float],
    gap: float,
) -> dict[str, float]:
    """
    :param chains: names that are to have the same place across, as far as their neighbours leave them room
    """

    def fits(places: Mapping[str, float]) -> bool:
        rooms = [
            (places[b] - places[a], (width[a] + width[b]) / 2 + gap) for row in rows.values() for a, b in pairwise(row)
        ]
        return all(room >= needed - _TINY for room, needed in rooms)

    for chain in chains:
        places = [x[name] for name in chain]
        for place in (sum(places) / len(places), min(places), max(places)):
            if fits(moved := x | dict.fromkeys(chain, place)):
                x = moved
                break
    return x


def _spread(wishes: list[float], widths: list[float], gap: float) -> list[float]:
    """
    :param wishes: ascending
    :return: the nearest places that do not overlap: those that would are put beside each other around their middle
    """
    groups: list[tuple[list[int], float]] = []  # members, and where the first one is
    offsets = [0.0]
    for left, right in pairwise(widths):
        offsets.append(offsets[-1] + (left + right) / 2 + gap)
    wished = [wish - offset for wish, offset in zip(wishes, offsets, strict=True)]  # equal ones are side by side
    for member, wish in enumerate(wished):
        groups.append(([member], wish))
        while len(groups) > 1 and groups[-2][1] > groups[-1][1]:
            (later, _), (earlier, _) = groups.pop(), groups.pop()
            members = earlier + later
            groups.append((members, sum(wished[one] for one in members) / len(members)))
    return [start + offsets[member] for members, start in groups for member in members]
