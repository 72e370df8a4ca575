"""New layers between old ones that start as the identity (Net2DeeperNet, Chen, Goodfellow & Shlens 2016).

linear              W = 1, b = 0:  x·W + b = x, and relu(x) = x where x ≥ 0
activation relu     of a source that is never negative
combine add         x + f(x·W + b) with W = 0, b = 0 and f(0) = 0: a residual block whose last projection is 0
                    (Goyal et al. 2017; Zhang et al. 2019, Fixup)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy

from boulder.network import LayerSpec, NetworkSpec
from boulder.network.layers.activation import Activation
from boulder.network.layers.batch_norm import BatchNorm
from boulder.network.layers.combine import Combine, Eval
from boulder.network.layers.conv import Conv
from boulder.network.layers.copy import Copy
from boulder.network.layers.layer_norm import LayerNorm
from boulder.network.layers.linear import Linear
from boulder.network.layers.repeat import Repeat
from boulder.network.layers.subnetwork import Subnetwork
from boulder.network.params import ParamSpec
from boulder.network.refs import layer_of_key
from boulder.network.widening.ways import factor_of

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

    parts: tuple[str, ...]
    starts: dict[str, Identity]


class Identities:
    """
    The new layers between old ones that become the identity. Copies are the identity in any case.

    :param deepen: whether others become the identity where an old layer reads them in place of its old sources
    :param fail: makes an error from a reason
    :ivar of: new layer → the layers that it passes on
    :ivar starts: layer → start of its parameters
    """

    def __init__(
        self,
        old: NetworkSpec,
        new: NetworkSpec,
        init_from: Mapping[str, str],
        deepen: bool,
        fail: Callable[[str], Exception],
    ) -> None:
        self.specs = {spec.name: spec for spec in reversed([*new.all_layers()])}
        self.init_from, self.fail = init_from, fail
        self.before = {spec.name: spec for spec in reversed([*old.all_layers()])}
        self.of: dict[str, tuple[str, ...]] = {}
        self.starts: dict[str, Identity] = {}
        for name, spec in self.specs.items():
            if self._is_new(name) and spec.layer.copies_sources:
                self.of[name] = spec.sources
        for spec in self.specs.values() if deepen else ():
            self._insert(spec)

    def _old(self, name: str) -> str:
        return self.init_from.get(name, name)

    def _is_new(self, name: str) -> bool:
        return name in self.specs and self._old(layer_of_key(name)) not in self.before

    def _insert(self, spec: LayerSpec) -> None:
        """Finds the new layers between a layer and its old sources."""
        before = self.before.get(self._old(spec.name))
        if before is None:
            return
        passed = {self._old(name) for name in self._through_identities(spec.sources)}
        waiting = [name for name in spec.sources if self._is_new(name)]
        while waiting and not set(before.sources) <= passed:
            name = waiting.pop(0)
            if name not in self.of:
                found = inserted(name, self.specs, self._is_new, self.fail)
                self.of[name] = found.parts
                self.starts |= found.starts
            waiting += [part for part in self.of[name] if self._is_new(part)]
            passed = {self._old(name) for name in self._through_identities(spec.sources)}

    def _through_identities(self, sources: Iterable[str]) -> Iterator[str]:
        for source in sources:
            yield from self._through_identities(self.of[source]) if source in self.of else [source]


def inserted(
    name: str, specs: Mapping[str, LayerSpec], is_new: Callable[[str], bool], fail: Callable[[str], Exception]
) -> Inserted:
    """
    :param name: a new layer between old ones
    :param specs: the layers of the new network by name
    :param is_new: whether the old network lacks a layer
    :param fail: makes an error from the reason why the layer cannot be the identity
    :raises Exception: the result of `fail`
    """
    spec = specs[name]

    def impossible(why: str) -> Exception:
        return fail(f"layer {name!r} ({spec.layer.class_name}) cannot start as the identity: {why}")

    match spec.layer:
        case Linear():
            weights = next(param for param in spec.params if param.name == "W")
            if not weights.splits or spec.template.feature is None:
                raise impossible("its input is class indices")
            if weights.shape[0] != weights.shape[1]:
                raise impossible(f"it has {weights.shape[0]} inputs and {weights.shape[1]} outputs")
            _check_activation(spec, spec.sources, specs, impossible)
            return Inserted(spec.sources, {name: Identity(zero=False)})
        case Activation():
            _check_activation(spec, spec.sources, specs, impossible)
            return Inserted(spec.sources, {})
        case Subnetwork():
            return Inserted(spec.sources, {})
        case Combine(kind="add"):
            branches = {source: _ends(source, specs, is_new) for source in spec.sources}
            carried = [source for source, ends in branches.items() if ends is None] or [spec.sources[0]]
            if len(carried) > 1:
                raise impossible(
                    f"it adds {' and '.join(map(repr, carried))}, but all except one of its sources must be new linear "
                    f"layers with one of the activations {', '.join(map(repr, THROUGH_ZERO[1:]))} or none"
                )
            own = specs.get(layer_of_key(carried[0]))
            if own is not None and own.template.dim != spec.template.dim:
                raise impossible(f"it has {spec.template.dim} outputs, and {carried[0]!r} is not as wide")
            _check_activation(spec, carried, specs, impossible)
            ends = [end for source, found in branches.items() if source not in carried for end in found or ()]
            return Inserted(tuple(carried), dict.fromkeys(ends, Identity(zero=True)))
    if spec.layer.class_name == "rec":
        raise impossible("an LSTM's output is bounded by its gates")
    raise impossible("only linear, activation, subnetwork and combine (add) can")


def _check_activation(
    spec: LayerSpec, sources: Iterable[str], specs: Mapping[str, LayerSpec], impossible: Callable[[str], Exception]
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
        if not _never_negative(source, specs):
            raise impossible(f"its activation is 'relu', and its source {source!r} may be negative")


def _never_negative(source: str, specs: Mapping[str, LayerSpec]) -> bool:
    if source not in specs:
        return False
    spec = specs[source]
    if isinstance(spec.layer, Linear | Activation) and spec.layer.activation not in LINEAR:
        return spec.layer.activation in NEVER_NEGATIVE
    if isinstance(spec.layer, Copy | Repeat | Activation):
        return all(_never_negative(inner, specs) for inner in spec.sources)
    return False


def _ends(source: str, specs: Mapping[str, LayerSpec], is_new: Callable[[str], bool]) -> tuple[str, ...] | None:
    """:return: the layers whose parameters must be 0 for a new branch to be 0; None if it cannot be"""
    if not is_new(source):
        return None
    spec = specs[source]
    match spec.layer:
        case Linear() | Conv():
            return (source,) if spec.layer.activation in THROUGH_ZERO and not spec.layer.batch_norm else None
        case LayerNorm() | BatchNorm():
            return (source,)
        case Copy() | Subnetwork():
            found = [_ends(inner, specs, is_new) for inner in spec.sources]
        case Activation():
            found = [
                _ends(inner, specs, is_new) if spec.layer.activation in THROUGH_ZERO else None for inner in spec.sources
            ]
        case Eval() | Combine(kind="eval") if factor_of(spec.layer.eval) is not None:
            found = [_ends(inner, specs, is_new) for inner in spec.sources]
        case _:
            return None
    return None if None in found or not found else tuple(end for ends in found if ends for end in ends)
