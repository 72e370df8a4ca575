"""`cond`: one of two layers, as a condition says. Only that one is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.axes import TIME, Axis
from boulder.network.held import HeldSubnet
from boulder.network.layer import Layer, Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.loop.beams import Chooser
from boulder.network.names import Place
from boulder.network.nesting import is_subnetwork
from boulder.network.plain import Description
from boulder.network.reading import warn_of_ignored_loss
from boulder.network.refs import Ref
from boulder.network.run_state import LoopRun
from boulder.network.specs import InnerSpec, LayerSpec, SubnetSpec
from boulder.network.subnet import Container, Inner, Node, TemplateOf
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import renames

BRANCHES = ("true_layer", "false_layer")


@layer_class("cond")
@dataclass(frozen=True, kw_only=True)
class Cond(Container):
    """
    One of two layers: `true_layer` if the condition is True, else `false_layer`; the other one is not computed.

    For a condition of each sequence or frame, see `switch`. A loss in a branch does not count. If both branches are
    subnetworks, `COND/NAME` reads a layer that both have, with `is_output_layer`. RETURNN: CondLayer, where branches must be
    dicts.

    :param condition: a layer with a single bool, its name or its options
    :param true_layer: name of a layer, which is computed in any case, or options of one; it reads the layers around by their names
    :param false_layer: likewise. Parameters of both branches with the same name are the same parameter
    """

    sources: str | list[str] = field(default_factory=list)
    condition: str | dict
    true_layer: str | dict
    false_layer: str | dict

    def options(self) -> dict[str, str | dict]:
        """:return: option → layer"""
        return {"condition": self.condition, "true_layer": self.true_layer, "false_layer": self.false_layer}

    def held_layers(self) -> Mapping[str, object] | None:
        branches = [self.options()[option] for option in BRANCHES]
        held = [branch["subnetwork"] for branch in branches if isinstance(branch, dict) and is_subnetwork(branch)]
        return {name: options for name, options in held[0].items() if name in held[1]} if len(held) == 2 else None

    def check_exposed(self, name: str) -> str | None:
        for option in BRANCHES:
            branch: Any = self.options()[option]  # a subnetwork, see `held_layers`
            layer = branch["subnetwork"][name]
            if name != "output" and not (layer.get("is_output_layer") or layer.get("loss")):
                return f"which is not visible outside of {option!r}; give {name!r} 'is_output_layer': True there"
        return None

    def dependencies(self, mode: str) -> tuple[str, ...]:
        return tuple(layer for layer in self.options().values() if isinstance(layer, str))

    def inner(self, place: Place) -> Inner:
        if self.source_names():
            raise NetworkError(f"{place.where}: 'from' has no effect; the branches name their sources")
        held = {option: layer for option, layer in self.options().items() if isinstance(layer, dict)}
        named = iter(place.sources)
        refs = {option: next(named) for option, layer in self.options().items() if isinstance(layer, str)}
        subnet = CondSubnet(held, place, self.name_scope)
        return Inner(subnet, partial(_describe, subnet, refs))

    def widening(self, w: Widening) -> None:
        renames(w)

    def compute(self, run: LayerRun, output: Tensor) -> Tensor:
        return replace(output, template=run.template)


class CondSubnet(HeldSubnet):
    """The condition and the branches, as far as they are given by their options."""

    noun = "the layer"
    output = ""

    def wanted(self) -> list[str]:
        """:return: layers of both branches that layers of the surroundings read, as `COND/NAME`"""
        return [name for holder, name in sorted(self.outer.exposed) if holder == self.holder]


Times = tuple[tuple[Axis, tuple[Axis, Axis]], ...]


@dataclass(frozen=True)
class _Output:
    """
    :param results: names of the layers whose output it is, one of each branch
    :param times: axis of the output → axes of the outputs of the branches, where they differ
    """

    template: Template
    results: tuple[str, str]
    times: Times


@dataclass(frozen=True, kw_only=True)
class _Choice(Layer):
    """
    Computes one of the branches.

    :param condition: name of the condition
    :param layers: names of the layers of each branch
    :param outputs: name → output
    """

    class_name = "cond"
    condition: str
    layers: tuple[tuple[str, ...], tuple[str, ...]]
    outputs: Mapping[str, _Output]

    def widening(self, w: Widening) -> None:
        for name in self.outputs[w.name].results:
            w.tie_axes(w.tensor(name))

    def compute(self, run: LayerRun, *sources: Tensor) -> dict[str, Tensor]:
        """:return: name → output"""
        assert isinstance(run, LoopRun)  # as there are inner layers
        named = dict(zip(run.sources, sources, strict=True))
        times = dict(pair for output in self.outputs.values() for pair in output.times)

        def branch(number: int) -> tuple[TFTensor, ...]:
            state = replace(run.state, outputs=dict(named), lengths=run.lengths.copy())
            for spec in run.inner:
                if spec.name in self.layers[number]:
                    state.compute(spec)
            values = [
                _value(run, state.output(output.results[number]), number, output) for output in self.outputs.values()
            ]
            return (*values, *(state.lengths.of(pair[number]) for pair in times.values()))

        computed = tf.cond(named[self.condition].value, lambda: branch(0), lambda: branch(1))
        for time, length in zip(times, computed[len(self.outputs) :], strict=True):
            run.set_length(time, length)
        found = {}
        for (name, output), value in zip(self.outputs.items(), computed, strict=False):
            value.set_shape([axis.size for axis in output.template.axes])
            found[name] = run.tensor(value, output.template.axes, output.template)
        return found


@dataclass(frozen=True, kw_only=True)
class _Further(Layer):
    """
    An output that both branches have, for the layers around.

    :param results: see `_Output`
    """

    class_name = "cond"
    results: tuple[str, str]

    def widening(self, w: Widening) -> None:
        for name in self.results:
            w.tie_axes(w.tensor(name))

    def compute(self, run: LayerRun, output: Tensor) -> Tensor:
        return output


def _value(run: LayerRun, x: Tensor, number: int, output: _Output) -> TFTensor:
    """
    :param x: the output of branch `number`
    :return: in the order of the axes of `output`
    """
    axes = output.template.axes
    x = x.renamed({pair[number]: time for time, pair in output.times}, output.template)
    value = x.ordered(axes)
    if all(axis in x.axes for axis in axes):
        return value
    shape = [tf.shape(value)[i] if axis in x.axes else run.shape([axis])[0] for i, axis in enumerate(axes)]
    return tf.broadcast_to(value, tf.stack(shape))


class _Branches(Description):
    def __init__(self, subnet: CondSubnet, outer: TemplateOf, loop: Axis | None):
        super().__init__(subnet, outer, loop)
        self.of: dict[str, list[str]] = {}

    def add(self, site: Site, sources: tuple[str, ...], template: Template) -> None:
        if isinstance(site.layer, Chooser):
            raise site.fail("is not possible in a branch of 'cond'")
        if site.loop is not None and site.layer.state(site, template):
            raise site.fail(
                "has a state, which a branch of 'cond' in a loop cannot have; 'masked_computation' freezes states"
            )
        if any(param.statistic for param in site.params):
            raise site.fail("has running statistics, which a branch of 'cond' cannot have")
        if site.layer.L2:
            raise site.fail("'L2' must be an option of the layer 'cond' itself, where it counts for both branches")
        super().add(site, sources, template)

    def add_loss(self, node: Node, site: Site, template: Template) -> None:
        warn_of_ignored_loss(node.where, "it is in a branch of 'cond'", "the loss to the layer 'cond' itself")

    def result(self) -> SubnetSpec:
        spec = super().result()
        for name in spec.losses:  # of loops
            warn_of_ignored_loss(f"layer {name!r}", "it is in a branch of 'cond'", "the layer out of 'cond'")
        return replace(spec, losses={})


def _describe(subnet: CondSubnet, refs: dict[str, Ref], outer: TemplateOf, loop: Axis | None) -> InnerSpec:
    """
    :param refs: option → layer around, for the options that name one
    :param outer: templates of the surroundings
    """
    spec = _Branches(subnet, outer, loop).result()
    templates, results = {}, {}
    for option in ("condition", *BRANCHES):
        if option in refs:
            templates[option], results[option] = outer(refs[option]), refs[option].key
        else:
            results[option] = subnet.key(f":{option}")
            templates[option] = spec.layers[results[option]].template
    where = subnet.place.where
    if templates["condition"].axes or templates["condition"].dtype != "bool":
        raise NetworkError(
            f"{where}: 'condition' must be a single bool, but it is {templates['condition']}; 'switch' takes a condition of each "
            "sequence or frame"
        )
    name = f"{subnet.name}/:output"
    outputs = {name: _joined(where, subnet.name, *((results[o], templates[o]) for o in BRANCHES))}
    for further in subnet.wanted():
        keys = [subnet.key(f":{option}/{further}") for option in BRANCHES]
        pair = ((key, spec.layers[key].template) for key in keys)
        outputs[subnet.from_outside(further).key] = _joined(f"{where}: {further!r}", f"{subnet.name}/{further}", *pair)
    branches = {option: f"{subnet.name}/:{option}" for option in BRANCHES}
    layers = {
        option: tuple(name for name in spec.layers if name == branch or name.startswith(f"{branch}/"))
        for option, branch in branches.items()
    }
    inner = tuple(spec.layers.pop(name) for names in layers.values() for name in names)
    own = {layer.name for layer in inner}
    read = [source for layer in inner for one in layer.with_inner() for source in one.reads if source not in own]
    read = [source for source in read if not any(source.startswith(f"{branch}/") for branch in branches.values())]
    sources = tuple(
        dict.fromkeys([results["condition"], *read, *(results[o] for o in BRANCHES if results[o] not in own)])
    )
    choice = _Choice(
        condition=results["condition"], layers=(layers["true_layer"], layers["false_layer"]), outputs=outputs
    )
    output = outputs[name].template
    spec.layers[name] = LayerSpec(name, choice, sources, output, (), inner)
    exposed = {
        read: LayerSpec(key, _Further(results=outputs[key].results), (key,), outputs[key].template, ())
        for read in subnet.wanted()
        for key in [subnet.from_outside(read).key]
    }
    return InnerSpec(spec.layers, spec.losses, spec.loops, output=output, result=name, exposed=exposed)


def _joined(where: str, name: str, true: tuple[str, Template], false: tuple[str, Template]) -> _Output:
    """
    :param name: part of the name of the time axis, if those of the branches differ
    :param true: the layer that gives the output, and its template
    :param false: likewise
    """
    (one, first), (two, second) = true, false
    times: Times = ()
    output, other = first, second
    if first.time and second.time and first.time != second.time:
        time = Axis(TIME, None, ("cond", name, first.time.origin))
        times = ((time, (first.time, second.time)),)
        output, other = first.with_axis_replaced(first.time, time), second.with_axis_replaced(second.time, time)
    same = (set(output.axes), output.dtype, output.sparse_dim) == (set(other.axes), other.dtype, other.sparse_dim)
    if not same:
        raise NetworkError(f"{where}: both branches must have the same axes, but they are {first} and {second}")
    return _Output(output, (one, two), times)
