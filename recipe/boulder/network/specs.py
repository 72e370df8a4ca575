"""The description of a network: layers with templates and parameters, losses, placement of loops. Pure Python."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from boulder.network.axes import Axis
from boulder.network.extra_nets import plain_name
from boulder.network.layer import Layer
from boulder.network.lengths import Lengths
from boulder.network.loss import Loss
from boulder.network.params import Borrowed, ParamSpec
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True)
class LossSpec:
    """
    :param layer: name of the layer
    :param loss: the loss with its options
    :param target: a layer, or "data:KEY" for a data stream; None if the loss needs none
    :param scale: factor in the objective; 0: the loss is a score only
    :param layers: names of the layers that the loss reads beside the output; data streams as "data:KEY"
    """

    layer: str
    loss: Loss
    target: str | None
    scale: float
    layers: tuple[str, ...] = ()

    @property
    def stream(self) -> str | None:
        """:return: key of the target, if it is a data stream"""
        key = (self.target or "").removeprefix("data:")
        return key if key != (self.target or "") else None

    @property
    def streams(self) -> set[str]:
        """:return: keys of the data streams that the loss reads"""
        return {name.removeprefix("data:") for name in (self.target or "", *self.layers) if name.startswith("data:")}

    @property
    def scores(self) -> tuple[str, ...]:
        """:return: "cost" and "error", as far as the loss has them"""
        exists = {"cost": self.loss.has_cost, "error": self.loss.has_error}
        return tuple(kind for kind in exists if exists[kind])


@dataclass(frozen=True)
class LayerSpec:
    """
    :param name: absolute layer name; within a loop as in RETURNN, `decoder/s`
    :param layer: the layer with its options
    :param sources: names of its inputs; data streams as "data:KEY". See `boulder.network.refs.Ref.key`
    :param template: template of its output
    :param params: its parameters
    :param inner: for a loop, the layers that are computed in each iteration, in order
    :param borrowed: its parameters that are those of other layers
    :param named: axis of the output as the layer computes it → axis of the template, where the names of their `Dim` differ
    """

    name: str
    layer: Layer
    sources: tuple[str, ...]
    template: Template
    params: tuple[ParamSpec, ...]
    inner: tuple[LayerSpec, ...] = ()
    named: Mapping[Axis, Axis] = field(default_factory=dict)
    borrowed: tuple[Borrowed, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """:return: its inputs, and the layers whose outputs are its parameters"""
        return (*self.sources, *(entry.source for entry in self.borrowed if entry.source))

    @property
    def computed(self) -> Template:
        """:return: template of the output as the layer computes it, without the names that it gives to axes"""
        unnamed = {named: axis for axis, named in self.named.items()}
        return replace(self.template, axes=tuple(unnamed.get(axis, axis) for axis in self.template.axes))

    def with_names(self, output: Tensor, lengths: Lengths) -> Tensor:
        """:return: what the layer has computed, with the names of its axes; it waits for the check that their lengths are the same"""
        if not self.named:
            return output
        result = replace(output.renamed(self.named, self.template), memory=output.memory)
        for axis, named in self.named.items():
            if axis.has_given_lengths and axis.identity != named.identity:
                result = replace(result, value=lengths.shared(result.value, self.name, axis, named))
        return result

    def all_params(self) -> Iterator[ParamSpec]:
        """:return: parameters of this layer and of its inner layers"""
        yield from self.params
        for layer in self.inner:
            yield from layer.all_params()

    def with_inner(self) -> Iterator[LayerSpec]:
        """:return: this layer and the layers in it"""
        yield self
        for layer in self.inner:
            yield from layer.with_inner()

    def frozen(self) -> LayerSpec:
        """:return: the same layer, with parameters that are not trained"""
        params = tuple(replace(param, trainable=False) for param in self.params)
        return replace(self, params=params, inner=tuple(layer.frozen() for layer in self.inner))


@dataclass(frozen=True)
class Placement:
    """
    Where the layers of a loop are computed.

    :param before: layers computed for all frames at once, before the loop
    :param inside: layers computed frame by frame
    :param after: layers computed for all frames at once, after the loop
    """

    before: tuple[str, ...]
    inside: tuple[str, ...]
    after: tuple[str, ...]


@dataclass
class SubnetSpec:
    """
    The description of a subnet.

    :param layers: name → spec, sources before the layers that read them
    :param losses: layer name → loss
    :param loops: name of a loop → placement of its layers
    """

    layers: dict[str, LayerSpec] = field(default_factory=dict)
    losses: dict[str, LossSpec] = field(default_factory=dict)
    loops: dict[str, Placement] = field(default_factory=dict)

    def update(self, other: SubnetSpec) -> None:
        """Adds everything of `other`."""
        self.layers.update(other.layers)
        self.losses.update(other.losses)
        self.loops.update(other.loops)


@dataclass(kw_only=True)
class InnerSpec(SubnetSpec):
    """
    The description of the layers that a layer holds, without the holder itself.

    :param output: template of the holder's output
    :param result: the layer whose output is the holder's; "" for `HOLDER/output`
    :param states: layer with a state, within the iterations of a loop around the holder → key → template
    :param exposed: name within the subnet → spec of the layer that `HOLDER/NAME` in the surroundings reads
    """

    output: Template
    result: str = ""
    states: dict[str, dict[str | None, Template]] = field(default_factory=dict)
    exposed: dict[str, LayerSpec] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkSpec:
    """
    :param extern_data: data stream → template
    :param layers: name → spec, sources before the layers that read them
    :param losses: layer name → loss
    :param loops: name of a loop → placement of its layers
    :param shared: (layer, its parameter) → the parameters of other layers that it consists of: "" or name → parameter
    """

    extern_data: dict[str, Template]
    layers: dict[str, LayerSpec] = field(default_factory=dict)
    losses: dict[str, LossSpec] = field(default_factory=dict)
    loops: dict[str, Placement] = field(default_factory=dict)
    shared: Mapping[tuple[str, str], Mapping[str, ParamSpec]] = field(default_factory=dict)

    def all_layers(self) -> Iterator[LayerSpec]:
        """:return: all layers, those that a loop computes in each iteration included; a name may come twice"""
        for layer in self.layers.values():
            yield from layer.with_inner()

    @property
    def params(self) -> dict[str, ParamSpec]:
        """:return: path → parameter; of one that layers share by `name_scope`, as the first of them declares it"""
        found: dict[str, ParamSpec] = {}
        layers = sorted(self.all_layers(), key=lambda layer: plain_name(layer.name) != layer.name)  # extra nets last
        for layer in layers:
            for param in layer.params:
                found.setdefault(param.path, param)
        for layer in self.all_layers() if self.shared else ():
            for entry in layer.borrowed:
                for param in self.shared[layer.name, entry.name].values():
                    found.setdefault(param.path, param)
        return found

    @property
    def scores(self) -> dict[str, tuple[str, ...]]:
        """:return: layer with a loss → see `LossSpec.scores`"""
        return {name: loss.scores for name, loss in self.losses.items()}

    @property
    def measure(self) -> str | None:
        """
        :return: key of the score that says how well the task is solved, such as "error:output". A loss that is an error only is
            there for this; else the loss of a layer `output…` counts first. None if no loss has a score.
        """
        on = {name: loss for name, loss in self.losses.items() if loss.scale and loss.scores} or self.losses
        names = sorted(on, key=lambda name: (on[name].loss.has_cost, not name.startswith("output"), name))
        for name in names:
            loss = on[name]
            if loss.loss.is_error_telling(self.template(loss.target) if loss.target else None):
                return f"error:{name}"
            if loss.scores:
                return f"{loss.scores[0]}:{name}"
        return None

    @property
    def num_params(self) -> int:
        """:return: number of entries of all parameters"""
        return sum(param.size for param in self.params.values())

    def trained_only(self, layers: Collection[str] | None) -> NetworkSpec:
        """
        :param layers: names of top-level layers; None: all
        :return: the same network; the parameters of other layers are not trainable
        """
        if layers is None:
            return self
        kept = {name: spec if name.split("/")[0] in layers else spec.frozen() for name, spec in self.layers.items()}
        return replace(self, layers=kept)

    def template(self, source: str) -> Template:
        """
        :param source: name of a layer, or "data:KEY"
        """
        return self.layers[source].template if source in self.layers else self.extern_data[source.removeprefix("data:")]
