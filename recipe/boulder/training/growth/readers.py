"""What reads each layer of a network."""

from __future__ import annotations

from boulder.network import NetworkSpec
from boulder.network.loop.iterations import Iterations
from boulder.network.loop.nodes import Left
from boulder.network.refs import layer_of_key

OUTSIDE = ""
"""Reader of what is read outside of the network."""


def readers_of(network: NetworkSpec, losses: bool = True) -> dict[str, set[str]]:
    """
    :param losses: whether to count losses and the outside of the network
    :return: layer → what reads it: layers, losses as "loss of …", or "" for the outside of the network
    """
    found: dict[str, set[str]] = {}

    def add(key: str, reader: str) -> None:
        if layer_of_key(key) != reader:
            found.setdefault(layer_of_key(key), set()).add(reader)

    seen_outside = [spec for spec in network.all_layers() if isinstance(spec.layer, Left)]
    for spec in network.all_layers():
        if isinstance(spec.layer, Iterations):
            for item in spec.layer.body.carried:
                if isinstance(item.initial, str):
                    add(item.initial, spec.name)
        elif not isinstance(spec.layer, Left):
            for key in spec.reads:
                add(key, spec.name)
    for spec in seen_outside:
        if spec.name in found:
            for key in spec.reads:
                add(key, spec.name)
    if not losses:
        return found
    for name, loss in network.losses.items():
        for key in (name, loss.target or "", *loss.layers):
            add(key, f"loss of {name}")
    for spec in network.layers.values():
        if spec.name == "output" or (
            spec.layer.is_output_layer and spec.name not in network.loops and "/" not in spec.name
        ):
            add(spec.name, OUTSIDE)
    return found
