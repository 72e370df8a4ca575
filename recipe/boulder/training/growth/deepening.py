"""New layers between old ones that start as the identity (Net2DeeperNet, Chen, Goodfellow & Shlens 2016).

linear              W = 1, b = 0:  x·W + b = x, and relu(x) = x where x ≥ 0
activation relu     of a source that is never negative
combine add         x + f(x·W + b) with W = 0, b = 0 and f(0) = 0: a residual block whose last projection is 0
                    (Goyal et al. 2017; Zhang et al. 2019, Fixup)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy

from boulder.network import LayerSpec, NetworkSpec
from boulder.network.layers.activation import Activation
from boulder.network.layers.combine import Combine
from boulder.network.layers.copy import Copy
from boulder.network.layers.linear import Linear
from boulder.network.layers.repeat import Repeat
from boulder.network.params import ParamSpec, Part
from boulder.training.growth.by_source import parts_of

LINEAR = (None, "identity", "none")
NEVER_NEGATIVE = ("relu", "sigmoid", "softmax", "exp", "softplus", "abs", "square", "sqrt")
THROUGH_ZERO = (*LINEAR, "tanh", "elu", "selu", "gelu", "swish", "silu")
"""f(0) = 0 and f'(0) ≠ 0, so that a projection which starts at 0 can be trained. The slope of relu at 0 is 0."""


@dataclass(frozen=True)
class Identity:
    """The start of a parameter in a new layer: W = 1 and b = 0, or all zeros."""

    zero: bool

    def value(self, spec: ParamSpec) -> numpy.ndarray:
        if self.zero or len(spec.shape) != 2:
            return numpy.zeros(spec.shape, spec.dtype)
        return numpy.eye(*spec.shape, dtype=spec.dtype)


@dataclass(frozen=True)
class Inserted:
    """
    :param parts: the layers whose outputs the new layer passes on
    :param starts: layer → start of its parameters
    """

    parts: tuple[Part, ...]
    starts: dict[str, Identity]


def inserted(
    name: str, network: NetworkSpec | None, old_layers: Iterable[str], fail: Callable[[str], Exception]
) -> Inserted:
    """
    :param name: a new layer between old ones
    :param fail: makes an error from the reason why the layer cannot be the identity
    :raises Exception: the result of `fail`
    """
    if network is None or name not in network.layers:
        raise fail(
            f"layer {name!r} is new between old ones, and its specification is unknown; 'deepen' needs the network"
        )
    spec = network.layers[name]

    def impossible(why: str) -> Exception:
        return fail(f"layer {name!r} ({spec.layer.class_name}) cannot start as the identity: {why}")

    match spec.layer:
        case Linear():
            if any(network.template(source).sparse_dim for source in spec.sources):
                raise impossible("its input is class indices")
            weights = next(param for param in spec.params if param.name == "W")
            if weights.shape[0] != weights.shape[1]:
                raise impossible(f"it has {weights.shape[0]} inputs and {weights.shape[1]} outputs")
            _check_activation(spec, spec.sources, network, impossible)
            return Inserted(parts_of(weights, 0), {name: Identity(zero=False)})
        case Activation():
            _check_activation(spec, spec.sources, network, impossible)
            return Inserted(tuple(_read(spec.sources, network)), {})
        case Combine(kind="add"):
            zeros = [source for source in spec.sources if _may_be_zero(source, network, old_layers)]
            carried = [source for source in spec.sources if source not in zeros] or [spec.sources[0]]
            if len(carried) > 1:
                raise impossible(
                    f"it adds {' and '.join(map(repr, carried))}, but all except one of its sources must be new linear "
                    f"layers with one of the activations {', '.join(map(repr, THROUGH_ZERO[1:]))} or none"
                )
            if network.template(carried[0]).dim != spec.template.dim:
                raise impossible(f"it has {spec.template.dim} outputs, and {carried[0]!r} is not as wide")
            _check_activation(spec, carried, network, impossible)
            zeros = [source for source in zeros if source not in carried]
            return Inserted(tuple(_read(carried, network)), {zero: Identity(zero=True) for zero in zeros})
    if spec.layer.class_name == "rec":
        raise impossible("an LSTM's output is bounded by its gates")
    raise impossible("only linear, activation and combine (add) can")


def _check_activation(
    spec: LayerSpec, sources: Iterable[str], network: NetworkSpec, impossible: Callable[[str], Exception]
) -> None:
    """:raises Exception: if the layer's activation is not the identity on the values that `sources` can have"""
    activation = getattr(spec.layer, "activation", None)
    if activation in LINEAR:
        return
    if activation != "relu":
        raise impossible(
            f"its activation is {activation!r}; only relu can be the identity, if its source is never negative"
        )
    for source in sources:
        if not _never_negative(source, network):
            raise impossible(f"its activation is 'relu', and its source {source!r} may be negative")


def _never_negative(source: str, network: NetworkSpec) -> bool:
    if source not in network.layers:
        return False
    spec = network.layers[source]
    if isinstance(spec.layer, Linear | Activation) and spec.layer.activation not in LINEAR:
        return spec.layer.activation in NEVER_NEGATIVE
    if isinstance(spec.layer, Copy | Repeat | Activation):
        return all(_never_negative(inner, network) for inner in spec.sources)
    return False


def _may_be_zero(source: str, network: NetworkSpec, old_layers: Iterable[str]) -> bool:
    if source in old_layers or source not in network.layers:
        return False
    layer = network.layers[source].layer
    return isinstance(layer, Linear) and layer.activation in THROUGH_ZERO


def _read(sources: Iterable[str], network: NetworkSpec) -> list[Part]:
    """:return: the layers behind `sources`, with `copy` layers replaced by their sources"""
    parts = []
    for source in sources:
        spec = network.layers.get(source)
        if spec and isinstance(spec.layer, Copy):
            parts += _read(spec.sources, network)
        else:
            parts.append(Part(source, network.template(source).dim or 0))
    return parts
