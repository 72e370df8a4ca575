"""Which layers go their own way: `custom_param_importer`, and those that take nothing (`copy_output_layer`).

As in RETURNN, the parameters of a layer in a loop are the loop's, too, and both copy what the one of them may: only where
both reset, they are reset. Functions of loops are called before values are copied, those of other layers after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from boulder.network import LayerSpec
from boulder.training.growth.growth_options import GrowthOptions

_LEAST_FIRST = ("reset", "ifpossible", "subset")
"""Each of these copies all that the ones before it copy."""


def owners(layer: str) -> list[str]:
    """
    :param layer: absolute name
    :return: the loops that it stands in, outermost first, and itself
    """
    parts = layer.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


class PerLayer:
    """
    :param mode: what holds for layers that say nothing
    """

    def __init__(self, options: GrowthOptions, mode: str):
        self.general = mode
        layers = options.network.layers.values() if options.network else ()
        self._importers: dict[str, str | Callable] = {
            spec.name: spec.layer.custom_param_importer
            for spec in _with_inner(layers)
            if spec.layer.custom_param_importer is not None
        } | dict.fromkeys(options.reset_layers, "reset")

    def mode(self, layer: str) -> str:
        """:return: how the parameters of `layer` are copied, apart from what functions do with them"""
        said = [self._importers.get(owner, self.general) for owner in owners(layer)]
        return max((mode for mode in said if isinstance(mode, str)), key=_strength, default="reset")

    def functions(self, layers: Iterable[str]) -> dict[str, Callable]:
        """
        :param layers: that have parameters
        :return: layer or loop → its function, loops before the layers within
        """
        known = sorted({owner for layer in layers for owner in owners(layer)}, key=lambda name: name.count("/"))
        return {name: self._importers[name] for name in known if callable(self._importers.get(name))}


def _strength(mode: str) -> int:
    return _LEAST_FIRST.index(mode) if mode in _LEAST_FIRST else len(_LEAST_FIRST)


def _with_inner(layers: Iterable[LayerSpec]) -> Iterator[LayerSpec]:
    for spec in layers:
        yield spec
        yield from _with_inner(spec.inner)
