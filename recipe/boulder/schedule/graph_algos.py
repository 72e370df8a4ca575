"""RETURNN's built-in construction algos, `"from_input"` and `"from_output"` (`returnn.pretrain`).

They follow only `from` and ignore other references of a layer (`base`, `attention`, a subnetwork). A layer without
`from` reads `data`. Where RETURNN fails on an assertion (outputs that share a source, a source that is already
removed), these functions continue.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from boulder.errors import ScheduleError, nearest
from boulder.schedule.user_code import short


def networks_from_input(network: dict[str, dict], output_layers: Sequence[str]) -> list[dict[str, dict]]:
    """
    Builds networks in which network n has all output layers and the layers at most n steps from the data. Output layers
    read the nearest existing layers. Layers with `"trainable": False` next to the data do not count as a step.

    :param network: without `#` keys
    :return: the networks, without the original one
    :raises ScheduleError: if a layer reads from a missing layer
    """
    outputs = [name for name in sorted(network) if _is_output(network, name, output_layers)]
    readers: dict[str, list[str]] = {}
    for name in sorted(network):
        for source in dict.fromkeys(_sources(network, name)):
            readers.setdefault("data" if _is_data(source) else source, []).append(name)

    def behind(sources: list[str]) -> list[str]:
        return [name for source in sources for name in readers.get(source, ())]

    reached = ["data"]
    for name in reached:  # grows during the loop
        free = [reader for reader in readers.get(name, ()) if not network[reader].get("trainable", True)]
        reached += [reader for reader in dict.fromkeys(free) if reader not in reached]
    inner, last = set(reached[1:]), reached
    result: list[dict[str, dict]] = []
    while True:
        last = list(dict.fromkeys(name for name in behind(last) if name not in inner))
        inner.update(last)
        there = inner.union(outputs)
        complete = all(source in there or _is_data(source) for name in there for source in _sources(network, name))
        if not last or complete:
            return _without_untrained(result, output_layers)
        result.append({name: _bridged(network, name, there) for name in network if name in there})


def networks_from_output(
    network: dict[str, dict], output_layers: Sequence[str], input_layers: Sequence[str]
) -> list[dict[str, dict]]:
    """
    Works backwards from the original network: removes the layers that the output layers read, and connects the output
    layers to the sources of the removed layers, until the data is reached.

    :param network: without `#` keys
    :return: the networks, the smallest first, without the original one
    :raises ScheduleError: if an output layer is missing, or a layer reads from a missing layer
    """
    for name in output_layers:
        if name not in network:
            raise ScheduleError(f"pretrain: found output layer {name!r}, which is no layer{nearest(name, network)}")
    current = dict(network)
    result: list[dict[str, dict]] = []
    while True:
        read = {source: name for name in output_layers for source in _sources(current, name)}
        read = {source: name for source, name in read.items() if source not in output_layers}
        replaced = [source for source in read if source not in input_layers and not _is_data(source)]
        sources = read.keys() - set(replaced)
        for source in replaced:
            if source in current:
                sources.update(_sources(current, source))
            elif source not in network:
                raise _no_such_source(network, read[source], source)
            # else it is already removed, and its sources are or were among these
        sources.difference_update(output_layers)
        removed = [source for source in replaced if source in current]
        current = {name: layer for name, layer in current.items() if name not in removed}
        if sources == read.keys():
            return _without_untrained(result[::-1], output_layers)
        for name in output_layers:
            outputs = {source for source in _sources(current, name) if source in output_layers}
            current[name] = {**current[name], "from": sorted(sources | outputs)}
        # Outputs that read the data would have inputs of another dimension: not a network of its own.
        reads_data = any(source in input_layers or _is_data(source) for source in sources)
        if not reads_data and any(network[name].get("trainable", True) for name in removed):
            result.append(current)


def _without_untrained(networks: list[dict], output_layers: Sequence[str]) -> list[dict]:
    """:return: the networks that add a trainable layer to the network before"""
    return [
        network
        for before, network in pairwise([{}, *networks])
        if any(
            name not in before and layer.get("trainable", True) and not _is_output(network, name, output_layers)
            for name, layer in network.items()
        )
    ]


def _bridged(network: dict[str, dict], name: str, there: set[str]) -> dict:
    """:return: the layer with missing sources replaced by their nearest existing sources. It reads the data only if
    none was missing"""
    layer, seen = network[name], {name}
    found: list[str] = []
    stack = [iter([(name, source) for source in _sources(network, name)])]
    while stack:
        step = next(stack[-1], None)
        if step is None:
            stack.pop()
            continue
        reader, source = step
        if source in there or _is_data(source):
            found += [source] * (source not in found)
        elif source not in network:
            raise _no_such_source(network, reader, source)
        elif source not in seen:
            seen.add(source)
            stack.append(iter([(source, deeper) for deeper in _sources(network, source)]))
    if layer.get("from", ["data"]) == found:
        return layer
    return {**layer, "from": [source for source in found if not _is_data(source)]}


def _sources(network: dict[str, dict], name: str) -> list[str]:
    sources = network[name].get("from", ["data"])
    sources = [sources] if isinstance(sources, str) else sources
    if not isinstance(sources, list | tuple) or not all(isinstance(source, str) for source in sources):
        raise ScheduleError(
            f"construction_algo: layer {name!r} has 'from' {short(sources)}, expected a layer name or a list of them"
        )
    return list(sources)


def _is_data(source: str) -> bool:
    return source == "data" or source.startswith("data:")


def _is_output(network: dict[str, dict], name: str, output_layers: Sequence[str]) -> bool:
    layer = network[name]
    return name in output_layers or layer.get("class") == "softmax" or "target" in layer


def _no_such_source(network: dict[str, dict], reader: str, source: str) -> ScheduleError:
    return ScheduleError(
        f"construction_algo: layer {reader!r} reads from {source!r}, which is no layer{nearest(source, network)}"
    )
