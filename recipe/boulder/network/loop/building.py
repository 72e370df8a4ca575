"""Describes a loop: specs of the layers before it, of the loop, and of the layers after it, in the order of computation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from boulder.errors import NetworkError
from boulder.network.axes import FEATURE, OUTER, Axis
from boulder.network.extra_nets import plain_name
from boulder.network.layer import Layer, Site
from boulder.network.loop.axes import outside, over_loop
from boulder.network.loop.beams import at_width
from boulder.network.loop.body import Body, Carried
from boulder.network.loop.history import differs_at_once, grows
from boulder.network.loop.iterations import Iterations
from boulder.network.loop.nodes import Enter, FrameNumber, Left, Previous, Result
from boulder.network.loop.of_zeros import APPLY, of_zeros
from boulder.network.loop.placement import place
from boulder.network.loop.subnet import WORDS, LoopSubnet
from boulder.network.loop.templates import FrameTemplates
from boulder.network.loss_check import checked_losses
from boulder.network.params import ParamSpec, Part
from boulder.network.reading import checked_template
from boulder.network.refs import Ref, RefKind
from boulder.network.specs import InnerSpec, LayerSpec, LossSpec
from boulder.network.subnet import Inner, Node, TemplateOf
from boulder.network.template import Template


def describe_loop(subnet: LoopSubnet, outer: TemplateOf, around: Axis | None = None) -> InnerSpec:
    """
    :param outer: templates of the surroundings
    :param around: axis of the loop around this one, which needs nothing special here
    :return: everything but the loop's own layer, whose source is `LOOP/output`
    :raises NetworkError: names the layer's path
    """
    return _Building(subnet, outer).result()


class _Building:
    def __init__(self, subnet: LoopSubnet, outer: TemplateOf):
        self.subnet, self.outer = subnet, outer
        self.frame = FrameTemplates(subnet, outer)
        self.loop = self.frame.loop
        self.length_is_known = self.frame.time.origin != ("loop", subnet.name)
        self.placement = place(subnet, self.length_is_known)
        self.spec = InnerSpec(output=outside(self.frame.final("output"), self.loop))

    def result(self) -> InnerSpec:
        for name in self.placement.before:
            self._add_outside(self.subnet.nodes[name])
        if self.placement.inside:
            self._add_loop()
        for name in self.placement.after:
            self._add_outside(self.subnet.nodes[name])
        self.spec.output = outside(self.spec.layers[self.subnet.key("output")].template, self.loop)
        for node in self.subnet.nodes.values():
            self._add_loss(node)
            self._expose(node)
        self.spec.loops[self.subnet.name] = self.placement
        return self.spec

    # Layers that are computed for all frames at once

    def _add_outside(self, node: Node) -> None:
        outputs = node.sharing.sources() if node.sharing else ()
        for ref in (*node.sources, *outputs, *(node.inner.subnet.outer_refs() if node.inner else ())):
            self._need(ref)
        if node.inner:
            spec = self._add_nested(node, node.inner, self._template, self.spec.layers)
            self._check_moved(node, spec.output)
            return
        site = self.frame.site(node, {ref: self._template(ref) for ref in node.sources})
        template = checked_template(site)
        self._check_moved(node, template)
        if differs_at_once(node.layer.class_name, template, (source for _, source in site.sources), self.loop):
            raise NetworkError(
                f"{node.where}: reads the frames so far of all iterations at once; expected 'optimize_move_layers_out': False for "
                "the loop"
            )
        self._put(self._spec(node, site, template))

    @staticmethod
    def _spec(node: Node, site: Site, template: Template) -> LayerSpec:
        params, borrowed = tuple(site.params), tuple(site.borrowed)
        sources = _keys(node.sources)
        return LayerSpec(site.name, node.layer, sources, template, params, named=site.named, borrowed=borrowed)

    def _check_moved(self, node: Node, template: Template) -> None:
        """Checks that the layer's output in one frame is a frame of its output for all frames."""
        expected = self.frame.final(node.name)
        if set(template.axes) - {self.loop} != set(expected.axes):
            raise NetworkError(
                f"{node.where}: its output is {expected} in one frame, but {template} for all frames; keep it in the loop"
            )

    def _add_nested(self, node: Node, inner: Inner, outer: TemplateOf, layers: dict[str, LayerSpec]) -> InnerSpec:
        """Puts the specs of what a layer of the loop holds, and of that layer, into `layers`."""
        spec, key = inner.describe(outer, self.loop), self.subnet.key(node.name)
        layers.update(spec.layers)
        layers[key] = LayerSpec(key, node.layer, (spec.result or f"{key}/output",), spec.output, ())
        layers.update({exposed.name: exposed for exposed in spec.exposed.values()})
        self.spec.losses.update(self._checked_losses(node, spec.losses, layers))
        self.spec.loops.update(spec.loops)
        return spec

    def _checked_losses(
        self, node: Node, losses: dict[str, LossSpec], layers: dict[str, LayerSpec]
    ) -> dict[str, LossSpec]:
        """
        Refuses losses that differ from frame to frame of this loop: the normalisation of their sum is not defined.

        :return: the losses, without those of scale 0 among them
        """
        of_frames = [
            name for name in losses if layers is not self.spec.layers or self.loop in layers[name].template.axes
        ]
        for name in of_frames:
            if losses[name].scale:
                raise NetworkError(
                    f"{node.where}: {name!r} has a loss in a nested loop and depends on the frame of the outer loop; "
                    "such a loss is not supported"
                )
        return {name: loss for name, loss in losses.items() if name not in of_frames}

    def _put(self, spec: LayerSpec) -> None:
        self.spec.layers[spec.name] = spec

    def _template(self, ref: Ref) -> Template:
        """:return: of all frames"""
        return self.spec.layers[ref.key].template if ref.key in self.spec.layers else self.outer(ref)

    def _need(self, ref: Ref) -> None:
        """Makes what `ref` reads, if it belongs to the loop, available for all frames."""
        subnet, key = self.subnet, ref.key
        if key in self.spec.layers or ref.subnet != subnet.name:
            return
        match ref.kind:
            case RefKind.INPUT:
                options = ("dropout", "dropout_noise_shape", "dropout_on_forward")
                given = {option: getattr(subnet.loop, option) for option in options}
                enter = Enter(loop=self.loop, ends_loop=subnet.end_decides, **given)
                self._put_helper(ref, enter, subnet.sources)
            case RefKind.STEP:
                self._put_helper(ref, FrameNumber(loop=self.loop), ())
            case RefKind.DATA:
                self._put_helper(ref, Enter(loop=self.loop), (subnet.whole(ref),))
            case RefKind.FRAME:
                outer = self.subnet.unstacked(ref)
                self._put_helper(ref, Enter(loop=self.loop, time=self.frame.unstacked_axis(ref)), (outer,))
            case RefKind.PREV:
                self._put_previous(ref)

    def _put_previous(self, ref: Ref) -> None:
        node, own = self.subnet.nodes[ref.name], Ref(RefKind.LAYER, ref.name, ref.subnet)
        first = self._first(node)
        for needed in (own, *([node.initial] if node.initial else [])):
            self._need(needed)
        params = self._initial_params(node)
        variable = params[0].name if params else None
        layer = Previous(loop=self.loop, initial=None if first else _initial_value(node), variable=variable)
        template = over_loop(self._template(own), self.loop)
        self._put(LayerSpec(ref.key, layer, (own.key, *([first] if first else [])), template, params))

    def _first(self, node: Node) -> str | None:
        """:return: the layer that gives `prev:` of the layer in the first frame; None if it is a number or a trained vector"""
        if node.initial or node.layer.given_initial_output() != APPLY:
            return node.initial.key if node.initial else None
        name = f"{self.subnet.name}/:first:{node.name}"
        if name not in self.spec.layers:
            self._put(of_zeros(name, node, self.frame.frame_site(node)))
        return name

    def _initial_params(self, node: Node) -> tuple[ParamSpec, ...]:
        """:return: the trained vector that `prev:` of the layer is in the first frame, if its `initial_output` is "var" """
        if node.layer.initial_output != "var":
            return ()
        template = self.frame.layers[node.name]
        if [axis.kind for axis in template.axes if axis.kind not in OUTER] != [FEATURE]:
            raise NetworkError(
                f"{node.where}: 'initial_output' is 'var', which needs one feature vector per sequence, but its output is {template}"
            )
        name, shape = f"init_{node.name}_var", (template.required(FEATURE).known_size,)
        path, key = f"{self.subnet.scope(node.name)}/{name}", plain_name(self.subnet.key(node.name))
        trainable, splits = node.layer.trainable is not False, ((Part("", shape[0]),),)
        return (ParamSpec(key, name, path, shape, 0.0, trainable=trainable, splits=splits),)

    def _put_helper(self, ref: Ref, layer: Layer, sources: tuple[Ref, ...]) -> None:
        template = over_loop(self.frame.template(ref), self.loop)
        self._put(LayerSpec(ref.key, layer, _keys(sources), template, ()))

    # The loop

    def _add_loop(self) -> None:
        subnet, nodes = self.subnet, [self.subnet.nodes[name] for name in self.placement.inside]
        inner: dict[str, LayerSpec] = {}
        states: dict[str, dict[str | None, Template]] = {}
        held: dict[str, str] = {}
        for node in nodes:
            if node.inner:
                nested = self._add_nested(node, node.inner, partial(self.frame.seen_by, node), inner)
                states |= nested.states
                if nested.result in nested.states:  # which sets its value before the first frame
                    held[self.subnet.key(node.name)] = nested.result
                continue
            site = self.frame.frame_site(node)
            template = checked_template(site)
            spec = inner[site.name] = self._spec(node, site, template)
            state = node.layer.state(site, spec.computed)
            if state:
                states[site.name] = state
        self._check_statistics(inner)
        carried, read = self._carried(nodes, inner)
        carried = tuple(replace(item, layer=held.get(item.layer, item.layer)) for item in carried)
        needed = [node for node in nodes if self._is_needed_outside(node)]
        results = {subnet.key(node.name): over_loop(self.frame.final(node.name), self.loop) for node in needed}
        for node in needed:
            self._check_sizes(node)
        results |= {ref.key: over_loop(self.frame.template(ref), self.loop) for ref in self._exposed_outside()}
        body = Body(
            loop=self.loop,
            carried=carried,
            states={
                name: {k: at_width(t, self.frame.beam) for k, t in state.items()} for name, state in states.items()
            },
            results=results,
            logits=tuple(key for key in results if getattr(inner[key].layer, "activation", None) == "softmax"),
            end=None if self.length_is_known else subnet.key("end"),
            input_time=self.frame.input.time if subnet.end_decides else None,
            number=Ref(RefKind.STEP, subnet=subnet.name).key,
            max_length=subnet.max_length,
            include_eos=subnet.loop.include_eos,
            recompute=bool(subnet.loop.recompute),
            back_prop=subnet.loop.back_prop is not False,
            beam=self.frame.beam,
        )
        template = self.frame.layers[self.placement.inside[-1]]
        name = f"{subnet.name}/:loop"
        params = tuple(
            param for item in carried if item.variable for param in self._initial_params(self._node(item.layer))
        )
        self._put(LayerSpec(name, Iterations(body=body), read, template, params, tuple(inner.values())))
        for name, template in results.items():
            self._put(LayerSpec(name, Result(), (name,), template, ()))

    @staticmethod
    def _check_statistics(inner: Mapping[str, LayerSpec]) -> None:
        for spec in inner.values():
            if statistics := [param.name for param in spec.all_params() if param.statistic]:
                raise NetworkError(
                    f"layer {spec.name!r} ({spec.layer.class_name}): {statistics[0]!r} is over all frames, but the layer is "
                    "computed frame by frame; expected a layer that the loop can compute for all frames at once"
                )

    def _check_sizes(self, node: Node) -> None:
        """Checks that the axes of a layer's output, which the loop collects, have the same lengths in each iteration."""
        for axis in self.frame.layers[node.name].axes:
            if axis.size is None and (grows(axis, self.loop) or _names_layer_of(self.subnet.name, axis.origin)):
                raise NetworkError(
                    f"{node.where}: the lengths along its axis {axis} differ from iteration to iteration, so the loop cannot "
                    "collect its output; reduce the axis within the loop"
                )

    def _carried(self, nodes: list[Node], inner: dict[str, LayerSpec]) -> tuple[tuple[Carried, ...], tuple[str, ...]]:
        """:return: outputs that the loop carries over from frame to frame, and names of its inputs"""
        refs = {ref.key: ref for node in nodes for ref in node.refs}
        carried: dict[str, Carried] = {}
        read: dict[str, Ref | None] = {}
        for source in (source for spec in inner.values() for source in spec.reads if source not in inner):
            ref = refs.get(source)  # None: a data stream that only a nested loop reads
            if ref and ref.subnet == self.subnet.name and ref.kind is RefKind.STEP:
                continue  # each frame has it, even where it is not known for all frames
            if ref and ref.kind is RefKind.PREV and self.subnet.own(ref) in self.placement.inside:
                node = self.subnet.nodes[ref.name]
                initial = self._first(node) or _initial_value(node)
                variable = next((param.name for param in self._initial_params(node)), None)
                template = self.frame.final(ref.name)
                if any(grows(axis, self.loop) for axis in template.axes):
                    raise NetworkError(
                        f"{node.where}: its output {template} grows with each frame, so no layer can read it as {ref.text!r}"
                    )
                carried[source] = Carried(self.subnet.key(ref.name), source, template, initial, variable)
                if isinstance(initial, str):
                    read[initial] = node.initial
            else:
                read[source] = ref
        if not self.length_is_known:
            self.subnet.max_length.check(self._template)
            read.update((ref.key, ref) for ref in self.subnet.max_length.refs)
        for ref in filter(None, read.values()):
            self._need(ref)
        return tuple(carried.values()), tuple(read)

    def _node(self, key: str) -> Node:
        """:param key: absolute name of a layer of the loop"""
        return next(node for name, node in self.subnet.nodes.items() if self.subnet.key(name) == key)

    def _is_needed_outside(self, node: Node) -> bool:
        if node.name == "output" or node.loss or node.layer.is_output_layer or node.layer.need_last:
            return True
        after = (self.subnet.nodes[name] for name in self.placement.after)
        read = [ref for other in after for ref in other.refs]
        read += [other.target for other in self.subnet.nodes.values() if other.has_target and other.target]
        return any(self.subnet.own(ref) == node.name for ref in read)

    def _exposed_outside(self) -> list[Ref]:
        """:return: references of layers after the loop to what a layer of the loop holds"""
        refs = [ref for name in self.placement.after for ref in self.subnet.nodes[name].refs]
        return [ref for ref in refs if ref.kind is RefKind.SUBLAYER and self.subnet.own(ref) in self.placement.inside]

    # What the surroundings see

    def _add_loss(self, node: Node) -> None:
        if node.loss:
            output = outside(self.spec.layers[self.subnet.key(node.name)].template, self.loop)
            self.spec.losses.update(checked_losses(node, output, self._target, self.frame.site(node, {})))

    def _target(self, ref: Ref) -> Template:
        """:return: template of the target of a loss, outside of the loop"""
        template = self._template(ref)
        return outside(template, self.loop) if ref.subnet == self.subnet.name else template

    def _expose(self, node: Node) -> None:
        key = self.subnet.key(node.name)
        if node.name == "output" or node.layer.is_output_layer or node.layer.need_last:
            template = outside(self.spec.layers[key].template, self.loop)
            name = self.subnet.from_outside(node.name).key
            self.spec.exposed[node.name] = LayerSpec(name, Left(), (key,), template, ())


def _names_layer_of(loop: str, origin: tuple) -> bool:
    """
    :param origin: derivation of an axis
    :return: whether a layer of the loop gives the lengths along the axis
    """
    if origin[:1] == ("loop",):
        return False
    return any(
        _names_layer_of(loop, part)
        if isinstance(part, tuple)
        else isinstance(part, str) and part.startswith(f"{loop}/")
        for part in origin
    )


def _keys(refs: tuple[Ref, ...]) -> tuple[str, ...]:
    return tuple(ref.key for ref in refs)


def _initial_value(node: Node) -> float | int | bool:
    """:return: the number that `prev:` of the layer is in the first frame"""
    initial: Any = node.layer.given_initial_output()
    if isinstance(initial, str):
        return WORDS[initial]
    return 0 if initial is None else initial
