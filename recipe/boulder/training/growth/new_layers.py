"""What the new layers of a network can start as: a branch that is 0, or values that are never negative."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.network import LayerSpec, NetworkSpec
from boulder.network.layers.activation import Activation
from boulder.network.layers.batch_norm import BatchNorm
from boulder.network.layers.combine import Combine, Eval
from boulder.network.layers.conv import Conv
from boulder.network.layers.copy import Copy
from boulder.network.layers.dot import Dot
from boulder.network.layers.layer_norm import LayerNorm
from boulder.network.layers.linear import Linear
from boulder.network.layers.repeat import Repeat
from boulder.network.layers.subnetwork import Subnetwork
from boulder.network.layers.variable import Variable
from boulder.network.refs import layer_of_key
from boulder.network.widening.ways import factor_of
from boulder.training.growth.readers import readers_of

LINEAR = (None, "identity", "none")
NEVER_NEGATIVE = ("relu", "sigmoid", "softmax", "exp", "softplus", "abs", "square", "sqrt")
THROUGH_ZERO = (*LINEAR, "tanh", "elu", "selu", "gelu", "swish", "silu")
"""f(0) = 0 and f'(0) ≠ 0, so that a projection which starts at 0 can be trained. The slope of relu at 0 is 0."""

Ends = tuple[str, ...]
"""Layers whose parameters must be 0 for a branch to be 0."""


class NewLayers:
    """
    :param init_from: new layer → old layer, where the names differ
    :ivar specs: layers of the new network by name
    """

    def __init__(self, old: NetworkSpec, new: NetworkSpec, init_from: Mapping[str, str]) -> None:
        self.specs = {spec.name: spec for spec in reversed([*new.all_layers()])}
        self.before = {spec.name: spec for spec in reversed([*old.all_layers()])}
        self.init_from, self.old_paths = init_from, set(old.params)
        self.readers = readers_of(new)

    def old(self, name: str) -> str:
        """:return: the name in the old network"""
        return self.init_from.get(name, name)

    def is_new(self, name: str) -> bool:
        return name in self.specs and self.old(layer_of_key(name)) not in self.before

    def owns_params(self, spec: LayerSpec) -> bool:
        """:return: whether no old layer has its parameters as well"""
        return not spec.borrowed and not any(param.path in self.old_paths for param in spec.params)

    def read_by_new_only(self, name: str) -> bool:
        return all(self.is_new(reader) for reader in self.readers.get(name, ()))

    def ahead_of(self, name: str) -> set[str]:
        """:return: what a layer depends on"""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            spec = self.specs.get(waiting.pop())
            new = set(spec.sources) - found if spec else set()
            found |= new
            waiting += new
        return found

    def ends(self, source: str) -> Ends | None:
        """:return: what must be 0 for a source to be 0; None if it is old or cannot be 0"""
        if not self.is_new(source):
            return None
        spec = self.specs[source]
        own = (source,) if self.owns_params(spec) else None
        match spec.layer:
            case Linear() | Conv():
                return own if spec.layer.activation in THROUGH_ZERO and not spec.layer.batch_norm else None
            case LayerNorm() | Variable():
                return own
            case BatchNorm():
                return own if spec.layer.use_std else None
            case Copy() | Subnetwork():
                return self._all(spec)
            case Activation():
                return self._all(spec) if spec.layer.activation in THROUGH_ZERO else None
            case Combine(operation="add" | "sub" | "average"):
                return self._all_and_bias(spec, own)
            case Eval() | Combine(operation="eval") if (
                factor_of(spec.layer.eval) is not None and len(spec.sources) == 1
            ):
                return self._all_and_bias(spec, own)
            case Dot() | Combine(operation="mul", with_bias=False, activation=None):
                found = [self.ends(inner) for inner in spec.sources if self.is_parameter(inner)]
                return next(iter(found), None)
        return None

    def is_parameter(self, name: str) -> bool:
        return name in self.specs and isinstance(self.specs[name].layer, Variable)

    def _all_and_bias(self, spec: LayerSpec, own: Ends | None) -> Ends | None:
        found = self._all(spec)
        activation = getattr(spec.layer, "activation", None)
        if found is None or own is None or activation not in THROUGH_ZERO:
            return None
        return (*found, *own) if spec.params else found

    def _all(self, spec: LayerSpec) -> Ends | None:
        found = [self.ends(inner) for inner in spec.sources]
        if not found or None in found:
            return None
        return tuple(dict.fromkeys(end for ends in found if ends for end in ends))

    def never_negative(self, source: str) -> bool:
        """:return: whether the values of a source cannot be negative, as long as new branches are 0"""
        if source not in self.specs:
            return False
        spec = self.specs[source]
        activation = getattr(spec.layer, "activation", None)
        if activation not in LINEAR:
            return activation in NEVER_NEGATIVE
        match spec.layer:
            case Copy() | Repeat() | Activation() | Subnetwork():
                return all(map(self.never_negative, spec.sources))
            case Combine(operation="add"):
                carried = [inner for inner in spec.sources if not self.is_new(source) or self.ends(inner) is None]
                return all(map(self.never_negative, carried))
        return False
