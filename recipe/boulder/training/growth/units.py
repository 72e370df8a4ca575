"""The replicas of `net2wider`: which old unit each unit of a layer replicates."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping

import numpy

from boulder.errors import ConfigError
from boulder.network import LayerSpec
from boulder.network.layers.activation import Activation
from boulder.network.layers.conv import Conv
from boulder.network.layers.copy import Copy
from boulder.network.layers.linear import Linear
from boulder.network.layers.repeat import Repeat
from boulder.network.recurrent import Recurrent
from boulder.network.refs import layer_of_key
from boulder.training.growth.by_source import is_output, parts_of
from boulder.training.growth.growth_options import GrowthOptions
from boulder.training.growth.matching import Specs, source_names

_PASSING = (Copy, Repeat, Activation)
"""Layers without parameters that treat each unit on its own."""

OVER_UNITS = ("softmax", "log_softmax")
"""Activations whose value for a unit depends on the number of the others."""


class Units:
    """
    The units of a layer with parameters are known from these. A layer without parameters passes on the units of its
    sources if it treats each unit on its own; the network is needed to know that.

    :raises ConfigError: if a layer gets narrower
    """

    def __init__(
        self, old_specs: Specs, new_specs: Specs, init_from: Mapping[str, str], options: GrowthOptions, mode: str
    ) -> None:
        self.network, self.seed, self.mode = options.network, options.seed, mode
        layers = self._layers = self.network.layers if self.network else {}
        self.passing = {name for name, spec in layers.items() if _passes_on(spec)}
        old, new = _numbers(old_specs), _numbers(new_specs)
        self.sizes: dict[str, tuple[int, int]] = {}  # new layer → old and new number of units
        for layer, size in new.items():
            before = old.get(init_from.get(layer, layer))
            if before is not None:
                self.sizes[layer] = (before, size)
        self.widened = {layer for layer, (before, size) in self.sizes.items() if before != size}
        for layer in sorted(self.widened):
            before, size = self.sizes[layer]
            if size < before:
                raise ConfigError(
                    f"growth by {mode}: layer {layer!r} would shrink from {before} to {size} units; use copy_param_mode "
                    "'subset_by_source'"
                )

    def mapping(self, layer: str, old_size: int, new_size: int) -> numpy.ndarray | None:
        """:return: for each of the layer's `new_size` units, one of its `old_size` old units; None if not known"""
        if layer in self.sizes:
            return self._replicated(layer) if self.sizes[layer] == (old_size, new_size) else None
        if layer in self.passing:
            mappings = [self._mapping_of_source(part) for part in self._read_by(layer)]
            known = [mapping for mapping in mappings if mapping is not None]
            if len(known) == len(mappings):
                starts = numpy.cumsum([0, *(int(mapping.max()) + 1 for mapping in known)])
                joined = numpy.concatenate([at + mapping for at, mapping in zip(starts, known, strict=False)])
                if len(joined) == new_size and starts[-1] == old_size:
                    return joined
            return None
        return numpy.arange(old_size) if old_size == new_size else None

    def _mapping_of_source(self, source: str) -> numpy.ndarray | None:
        if source in self.sizes:
            return self.mapping(source, *self.sizes[source])
        size = self.network.template(source).dim if self.network else None  # a stream, or a layer in between
        return None if size is None else self.mapping(source, size, size)

    def _replicated(self, layer: str) -> numpy.ndarray:
        before, size = self.sizes[layer]
        replicas = random_stream(self.seed, f"{layer}:{before}:{size}").integers(0, before, size - before)
        return numpy.concatenate([numpy.arange(before), replicas])

    def _read_by(self, layer: str) -> list[str]:
        """:return: the layers whose units a layer in `passing` passes on, in order"""
        result: list[str] = []
        for source in self._layers[layer].sources:
            result += self._read_by(source) if source in self.passing else [source]
        return result

    def check_readers(self, new_specs: Specs, inserted: Collection[str]) -> None:
        """
        :param inserted: layers that become the identity
        :raises ConfigError: if a layer with more inputs than before would compute something else
        """
        if not self.widened:
            return
        if self.network is None:
            unread = sorted(self.widened - source_names(new_specs))
            if unread:
                raise self._fail(f"layer {unread[0]!r} gets wider and is the source of no layer with parameters")
            return
        for spec in _every(self.network.layers.values()):
            name, layer = spec.name, spec.layer
            widened = [source for source in spec.sources if self._is_widened(layer_of_key(source))]
            one_by_one = isinstance(layer, Linear | Recurrent) or _passes_on(spec) or name in inserted
            if isinstance(layer, Recurrent):
                one_by_one = not any(self._is_widened(source) for source in layer.initial_layers(spec.sources))
            if widened and not one_by_one:
                what = f"layer {name!r} ({layer.class_name})"
                raise self._fail(
                    f"{what} reads {widened[0]!r}, which gets wider, and does not treat its units one by one"
                )
            activation = getattr(layer, "activation", None)
            if self._is_widened(name) and activation in OVER_UNITS:
                raise self._fail(f"layer {name!r} gets wider, and its {activation} is over all its units")
            if name in self.widened and not _of_like_units(spec):
                why = f"layer {name!r} ({layer.class_name}) gets wider, and its units do not differ by their weights alone"
                raise self._fail(why)
            if self._is_widened(name) and name in self.network.losses:
                raise self._fail(f"layer {name!r} gets wider and has a loss")

    def _fail(self, why: str) -> ConfigError:
        return ConfigError(f"growth by {self.mode}: {why}; the network would compute something else")

    def _is_widened(self, name: str) -> bool:
        if name in self.passing:
            return any(source in self.widened for source in self._read_by(name))
        return name in self.widened


def _every(specs: Iterable[LayerSpec]) -> Iterator[LayerSpec]:
    """:return: the layers, and those in loops"""
    for spec in specs:
        yield spec
        yield from _every(spec.inner)


def _passes_on(spec: LayerSpec) -> bool:
    one_by_one = all(param.per_unit for param in spec.params) if spec.params else isinstance(spec.layer, _PASSING)
    return one_by_one and getattr(spec.layer, "activation", None) not in OVER_UNITS


def _of_like_units(spec: LayerSpec) -> bool:
    """:return: whether replicas of a unit, with copies of its weights, have its value and leave the other units alone"""
    layer = spec.layer
    if isinstance(layer, Recurrent):
        return not layer.recurrent_unit(f"layer {spec.name!r}").is_over_units
    return isinstance(layer, Linear) or (isinstance(layer, Conv) and layer.groups == 1) or _passes_on(spec)


def _numbers(specs: Specs) -> dict[str, int]:
    """:return: layer → number of its units: the common size of all parts along the last axes of its parameters"""
    sizes: dict[str, set[int]] = {}
    for spec in specs.values():
        for axis in range(len(spec.shape)):
            if is_output(spec, axis):
                sizes.setdefault(spec.layer, set()).update(part.size for part in parts_of(spec, axis))
    return {layer: found.pop() for layer, found in sizes.items() if len(found) == 1}


def random_stream(seed: int, key: str) -> numpy.random.Generator:
    """:return: random numbers that are a function of (seed, key)"""
    digest = hashlib.sha256(f"{seed}:growth:{key}".encode()).digest()
    return numpy.random.Generator(numpy.random.Philox(key=int.from_bytes(digest[:16], "big")))
