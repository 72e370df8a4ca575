"""New layers between old ones that start as the identity (Net2DeeperNet, Chen, Goodfellow & Shlens 2016).

linear              W = 1, b = 0:  x·W + b = x, and relu(x) = x where x ≥ 0
activation relu     of a source that is never negative
combine add         x + f(x·W + b) with W = 0, b = 0 and f(0) = 0: a residual block whose last projection, convolution or
                    normalization is 0 (Goyal et al. 2017; Zhang et al. 2019, Fixup)
layer_norm          of a block that follows another layer_norm: the new one takes the scale and bias of the old one, which gets
                    scale 1 and bias 0. A normalized vector is normalized already, up to epsilon
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy

from boulder.network import LayerSpec
from boulder.network.layers.activation import Activation
from boulder.network.layers.combine import Combine
from boulder.network.layers.layer_norm import LayerNorm
from boulder.network.layers.linear import Linear
from boulder.network.layers.subnetwork import Subnetwork
from boulder.network.params import ParamSpec
from boulder.network.refs import layer_of_key
from boulder.training.growth.new_layers import LINEAR, THROUGH_ZERO, NewLayers

Fail = Callable[[str], Exception]


@dataclass(frozen=True)
class Identity:
    """
    The start of a parameter: W = 1 and b = 0; all zeros; or, of a normalization, scale 1 and bias 0.

    :param zero: all zeros
    :param normalized: of a normalization
    """

    zero: bool
    normalized: bool = False

    def value(self, spec: ParamSpec) -> numpy.ndarray:
        if self.normalized and spec.name == "scale":
            return numpy.ones(spec.shape, spec.dtype)
        if self.zero or len(spec.shape) != 2:
            return numpy.zeros(spec.shape, spec.dtype)
        return numpy.eye(*spec.shape, dtype=spec.dtype)


ZERO, ONE, NORMALIZED = Identity(zero=True), Identity(zero=False), Identity(zero=True, normalized=True)


class Identities:
    """
    The new layers between old ones that become the identity. Copies are the identity in any case.

    :param deepen: whether others become the identity where an old layer reads them in place of its old sources
    :param fail: makes an error from a reason
    :ivar of: new layer → the layers that it passes on
    :ivar starts: layer → start of its parameters
    :ivar moved: new normalization → the old one whose scale and bias it takes
    """

    def __init__(self, layers: NewLayers, deepen: bool, fail: Fail) -> None:
        self.layers, self.fail = layers, fail
        self.of: dict[str, tuple[str, ...]] = {}
        self.starts: dict[str, Identity] = {}
        self.moved: dict[str, str] = {}
        for name, spec in layers.specs.items():
            if layers.is_new(name) and spec.layer.copies_sources:
                self.of[name] = spec.sources
        for spec in layers.specs.values() if deepen else ():
            self._insert_before(spec)
        for name in [name for name in self.of if isinstance(layers.specs[name].layer, LayerNorm)]:
            self._move_scale(name)

    def _insert_before(self, spec: LayerSpec) -> None:
        """Finds the new layers between a layer and its old sources."""
        before = self.layers.before.get(self.layers.old(spec.name))
        if before is None:
            return
        waiting = [name for name in spec.sources if self.layers.is_new(name)]
        while waiting and not set(before.sources) <= {self.layers.old(name) for name in self._through(spec.sources)}:
            name = waiting.pop(0)
            if name not in self.of:
                self.of[name] = self._inserted(name)
            waiting += [part for part in self.of[name] if self.layers.is_new(part)]

    def _through(self, sources: Iterable[str]) -> Iterator[str]:
        """:return: what the sources pass on"""
        for source in sources:
            yield from self._through(self.of[source]) if source in self.of else [source]

    def _inserted(self, name: str) -> tuple[str, ...]:
        """
        :param name: a new layer between old ones
        :return: the layers whose outputs it passes on
        """
        spec = self.layers.specs[name]

        def impossible(why: str) -> Exception:
            return self.fail(f"layer {name!r} ({spec.layer.class_name}) cannot start as the identity: {why}")

        if spec.params and not self.layers.owns_params(spec):
            raise impossible("it shares its parameters with an old layer")
        match spec.layer:
            case Linear():
                weights = next(param for param in spec.params if param.name == "W")
                if not weights.splits or any(self._is_sparse(source) for source in spec.sources):
                    raise impossible("its input is class indices")
                if weights.shape[0] != weights.shape[1]:
                    raise impossible(f"it has {weights.shape[0]} inputs and {weights.shape[1]} outputs")
                self._check_activation(spec, spec.sources, impossible)
                self.starts[name] = ONE
                return spec.sources
            case Activation():
                self._check_activation(spec, spec.sources, impossible)
                return spec.sources
            case Subnetwork():
                return spec.sources
            case LayerNorm():
                return spec.sources  # `_move_scale` checks them
            case Combine(operation="add"):
                return self._residual(spec, impossible)
        if spec.layer.class_name == "rec":
            raise impossible("an LSTM's output is bounded by its gates")
        raise impossible("only linear, activation, layer_norm, subnetwork and combine (add) can")

    def _is_sparse(self, source: str) -> bool:
        spec = self.layers.specs.get(layer_of_key(source))
        return spec is not None and spec.template.sparse_dim is not None

    def _residual(self, spec: LayerSpec, impossible: Fail) -> tuple[str, ...]:
        branches = {source: self.layers.ends(source) for source in spec.sources}
        carried = [source for source, ends in branches.items() if ends is None]
        if not carried:  # x + f(x): f reads x
            carried = [source for source in spec.sources if self._is_read_by_all(source, spec.sources)] or [
                spec.sources[0]
            ]
        if len(carried) > 1:
            raise impossible(
                f"it adds {' and '.join(map(repr, carried))}, but all except one of its sources must be new branches that end in "
                "layer_norm, batch_norm, or linear or conv with one of the activations "
                f"{', '.join(map(repr, THROUGH_ZERO[1:]))} or none"
            )
        own = self.layers.specs.get(layer_of_key(carried[0]))
        if own is not None and own.template.dim != spec.template.dim:
            raise impossible(f"it has {spec.template.dim} outputs, and {carried[0]!r} is not as wide")
        self._check_activation(spec, carried, impossible)
        ends = [end for source, found in branches.items() if source not in carried for end in found or ()]
        self.starts |= dict.fromkeys([*ends, *([spec.name] if spec.params else [])], ZERO)
        return tuple(carried)

    def _is_read_by_all(self, source: str, sources: Iterable[str]) -> bool:
        return all(source in self.layers.ahead_of(other) for other in sources if other != source)

    def _check_activation(self, spec: LayerSpec, sources: Iterable[str], impossible: Fail) -> None:
        """:raises Exception: if the layer's activation is not the identity on the values that `sources` can have"""
        activation = getattr(spec.layer, "activation", None)
        if activation in LINEAR:
            return
        if activation != "relu":
            raise impossible(
                f"its activation is {activation!r}; only relu can be the identity, if its source is never negative"
            )
        for source in sources:
            if not self.layers.never_negative(source):
                raise impossible(f"its activation is 'relu', and its source {source!r} may be negative")

    def _move_scale(self, name: str) -> None:
        """
        Moves the scale of the old normalization before a new one to the last new one after it.

        :raises Exception: if there is none, or if other layers read it as well
        """
        chain = [name]
        while chain[-1] in self.of:
            chain.append(self.of[chain[-1]][0])
            if len(self.of[chain[-2]]) > 1:
                break
        norms = [
            link for link in chain if link in self.layers.specs and isinstance(self.layers.specs[link].layer, LayerNorm)
        ]
        old = norms[-1]
        if old == name or self.layers.is_new(old):
            raise self.fail(
                f"layer {name!r} (layer_norm) cannot start as the identity: {chain[-1]!r} is not normalized already"
            )
        for link in norms[1:]:
            if not self.layers.read_by_new_only(link):
                raise self.fail(
                    f"layer {name!r} (layer_norm) cannot start as the identity: it takes the scale of {link!r}, which old "
                    "layers read as well"
                )
            self.starts[link] = NORMALIZED
            self.moved.pop(link, None)
        if self.starts.get(name) != NORMALIZED:
            self.moved[name] = old
