"""Modes of single layers: `custom_param_importer`, and layers that take no old values (`copy_output_layer`).

As in RETURNN, the parameters of a layer in a loop also belong to the loop, and are copied if either of the two copies them:
they are reset only if both reset. Functions of loops are called before values are copied, those of other layers afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from boulder.network import LayerSpec
from boulder.training.growth.growth_options import GrowthOptions

_LEAST_FIRST = ("reset", "ifpossible", "subset")
"""Each of these copies everything that the ones before it copy."""


def owners(layer: str) -> list[str]:
    """
    :param layer: absolute name
    :return: the loops around it, outermost first, and the layer itself
    """
    parts = layer.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


class PerLayer:
    """
    :param mode: mode of the layers without one of their own
    """

    def __init__(self, options: GrowthOptions, mode: str) -> None:
        self.general = mode
        layers = options.network.layers.values() if options.network else ()
        self._importers: dict[str, str | Callable[..., Any]] = {}
        for spec in _with_inner(layers):
            if spec.layer.custom_param_importer is not None:
                self._importers[spec.name] = spec.layer.custom_param_importer
        self._importers |= dict.fromkeys(options.reset_layers, "reset")

    def mode(self, layer: str) -> str:
        """:return: mode of the layer's parameters, not counting functions"""
        modes = [self._importers.get(owner, self.general) for owner in owners(layer)]
        return max((mode for mode in modes if isinstance(mode, str)), key=_strength, default="reset")

    def functions(self, layers: Iterable[str]) -> dict[str, Callable[..., Any]]:
        """
        :param layers: layers with parameters
        :return: layer or loop → its function, loops before the layers in them
        """
        known = sorted({owner for layer in layers for owner in owners(layer)}, key=lambda name: name.count("/"))
        found = ((name, self._importers.get(name)) for name in known)
        return {name: function for name, function in found if callable(function)}


def _strength(mode: str) -> int:
    return _LEAST_FIRST.index(mode) if mode in _LEAST_FIRST else len(_LEAST_FIRST)


def _with_inner(layers: Iterable[LayerSpec]) -> Iterator[LayerSpec]:
    for spec in layers:
        yield spec
        yield from _with_inner(spec.inner)
