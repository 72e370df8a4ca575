"""The specs of a loop: layers before it, the loop itself, layers after it, in the order in which they are computed."""

from __future__ import annotations

from dataclasses import dataclass, field

from boulder.errors import NetworkError
from boulder.network.axes import BEAM, Axis
from boulder.network.layer import Layer
from boulder.network.loop.axes import outside, over_loop
from boulder.network.loop.nodes import Carried, Enter, FrameNumber, Iterations, Previous, Result
from boulder.network.loop.placement import place
from boulder.network.loop.templates import Frame, Outer
from boulder.network.loop.unit import SOURCE, STEP, Node, Unit
from boulder.network.reading import checked_template, loss_specs
from boulder.network.specs import LayerSpec, LossSpec, Placement
from boulder.network.template import Template


@dataclass
class Built:
    """
    :param output: template of the loop's output, outside of it
    :param loop: the loop's axis
    :param layers: name → spec, in order, without the loop's own
    :param losses: those of its layers
    :param loops: where its layers are computed, and those of the loops within
    """

    output: Template
    loop: Axis
    layers: dict[str, LayerSpec] = field(default_factory=dict)
    losses: dict[str, LossSpec] = field(default_factory=dict)
    loops: dict[str, Placement] = field(default_factory=dict)


def build(unit: Unit, outer: Outer) -> Built:
    """:raises NetworkError: names the layer's path"""
    return _Building(unit, outer).result()


class _Building:
    def __init__(self, unit: Unit, outer: Outer):
        self.unit, self.outer = unit, outer
        self.frame = Frame(unit, outer)
        self.loop = self.frame.loop
        self.length_is_known = self.frame.time.origin != ("loop", unit.name)
        self.placement = place(unit, self.length_is_known)
        self.built = Built(outside(self.frame.layers["output"], self.loop), self.loop)

    def result(self) -> Built:
        for name in self.placement.before:
            self._add_outside(self.unit.nodes[name])
        if self.placement.inside:
            self._add_loop()
        for name in self.placement.after:
            self._add_outside(self.unit.nodes[name])
        self._need(self.unit.key("output"))
        self.built.output = outside(self.built.layers[self.unit.key("output")].template, self.loop)
        for name, node in self.unit.nodes.items():
            self._add_loss(name, node)
        self.built.loops[self.unit.name] = self.placement
        return self.built

    # Layers that are computed for all frames at once

    def _add_outside(self, node: Node) -> None:
        for source in [*node.sources, *(node.unit.outer_sources() if node.unit else ())]:
            self._need(source)
        templates = {source: self._template(source) for source in node.sources}
        if node.unit:
            self._add_nested(node, self._template, self.built.layers)
            return
        site = self.frame.site(node, templates)
        template = checked_template(site)
        self._check_moved(node, template, site)
        self._put(LayerSpec(site.name, node.layer, node.sources, template, tuple(site.params)))

    def _check_moved(self, node: Node, template: Template, site) -> None:
        """What comes out of a layer in one frame must be a frame of what comes out of it for all of them."""
        expected = self.frame.layers[node.name]
        if set(template.axes) - {self.loop} != set(expected.axes):
            raise site.fail(f"is {expected} in a frame, but {template} for all frames; keep it in the loop")

    def _add_nested(self, node: Node, outer: Outer, layers: dict[str, LayerSpec]) -> None:
        """Puts the specs of a loop within this one into `layers`."""
        inner = node.unit.build(outer)
        layers.update(inner.layers)
        key = self.unit.key(node.name)
        layers[key] = LayerSpec(key, node.layer, (f"{key}/output",), inner.output, ())
        self._check_losses(node, inner.losses, layers)
        self.built.losses.update(inner.losses)
        self.built.loops.update(inner.loops)

    def _check_losses(self, node: Node, losses: dict[str, LossSpec], layers: dict[str, LayerSpec]) -> None:
        """Of a loss that depends on this loop's frame there is another in each, and nothing says what their sum is of."""
        for name in losses:
            if layers is not self.built.layers or self.loop in layers[name].template.axes:
                raise NetworkError(
                    f"{node.where}: {name!r} has a loss in a loop within another, and depends on the frame of that, "
                    "where losses are not supported"
                )

    def _put(self, spec: LayerSpec) -> None:
        self.built.layers[spec.name] = spec

    def _template(self, source: str) -> Template:
        """:return: of all frames"""
        return self.built.layers[source].template if source in self.built.layers else self.outer(source)

    def _need(self, source: str) -> None:
        """Sees to it that `source`, if it is the loop's, is there for all frames."""
        unit = self.unit
        if source in self.built.layers or not source.startswith(f"{unit.name}/"):
            return
        if source == unit.key(SOURCE):
            self._put_helper(
                source,
                Enter(loop=self.loop, dropout=unit.loop.dropout, dropout_noise_shape=unit.loop.dropout_noise_shape),
                unit.sources,
            )
        elif source == unit.key(STEP):
            self._put_helper(source, FrameNumber(loop=self.loop), ())
        elif source.startswith(f"{unit.name}/data:"):
            self._put_helper(source, Enter(loop=self.loop), (source.removeprefix(f"{unit.name}/"),))
        elif source.startswith(f"{unit.name}/prev:"):
            own = source.replace("/prev:", "/")
            self._need(own)
            node = self.unit.nodes[unit.inside(source)]
            for other in node.others:
                self._need(other)
            initial = _initial(node)
            layer = Previous(loop=self.loop, initial=None if isinstance(initial, str) else initial)
            template = over_loop(self._template(own), self.loop)
            self._put(LayerSpec(source, layer, (own, *node.others), template, ()))

    def _put_helper(self, name: str, layer: Layer, sources: tuple[str, ...]) -> None:
        self._put(LayerSpec(name, layer, sources, over_loop(self.frame.template(name), self.loop), ()))

    # The loop

    def _add_loop(self) -> None:
        unit = self.unit
        inner: dict[str, LayerSpec] = {}
        for name in self.placement.inside:
            node = unit.nodes[name]
            if node.unit:
                self._add_nested(node, lambda source: self.frame.template(source), inner)
                continue
            site = self.frame.site(node, {source: self.frame.template(source) for source in node.sources})
            template = checked_template(site)
            inner[site.name] = LayerSpec(site.name, node.layer, node.sources, template, tuple(site.params))
        carried, read = self._carried(inner)
        read += unit.max_length.names.values() if self._ends_within else ()
        for source in read:
            self._need(source)
        needed = [unit.key(name) for name in self.placement.inside if self._is_needed_outside(name)]
        results = {key: over_loop(self.frame.layers[unit.inside(key)], self.loop) for key in needed}
        loop = Iterations(
            loop=self.loop,
            carried=tuple(carried),
            states={key: state for key, spec in inner.items() if (state := self._state(key, spec))},
            results=results,
            logits=tuple(key for key in needed if getattr(inner[key].layer, "activation", None) == "softmax"),
            end=unit.key("end") if self._ends_within else None,
            number=unit.key(STEP),
            max_length=unit.max_length,
            include_eos=unit.loop.include_eos,
            beam=next((axis for t in self.frame.layers.values() for axis in t.axes if axis.kind == BEAM), None),
        )
        key = f"{unit.name}/:loop"
        template = self.frame.layers[self.placement.inside[-1]]
        self._put(LayerSpec(key, loop, tuple(dict.fromkeys(read)), template, (), tuple(inner.values())))
        for name, template in results.items():
            self._put(LayerSpec(name, Result(), (name,), template, ()))

    @property
    def _ends_within(self) -> bool:
        return not self.length_is_known

    def _state(self, key: str, spec: LayerSpec) -> dict[str, Template]:
        name = self.unit.inside(key)
        if name is None or self.unit.nodes[name].unit:
            return {}
        node = self.unit.nodes[name]
        site = self.frame.site(node, {source: self.frame.template(source) for source in node.sources})
        return spec.layer.state(site, spec.template)

    def _carried(self, inner: dict[str, LayerSpec]) -> tuple[list[Carried], list[str]]:
        """:return: what the loop carries over from frame to frame, and what it reads that is not made in it"""
        carried, read = {}, {}
        for source in (source for spec in inner.values() for source in spec.sources if source not in inner):
            name = self.unit.inside(source)
            if name in self.placement.inside and "/prev:" in source:
                node = self.unit.nodes[name]
                carried[source] = Carried(self.unit.key(name), source, self.frame.layers[name], _initial(node))
                read.update(dict.fromkeys(node.others))
            elif source != self.unit.key(STEP):  # which is not known for all frames, if the loop's end is not
                read[source] = None
        return list(carried.values()), list(read)

    def _is_needed_outside(self, name: str) -> bool:
        node = self.unit.nodes[name]
        if name == "output" or node.loss or node.layer.is_output_layer:
            return True
        after = [self.unit.nodes[other] for other in self.placement.after]
        used = {own for other in after for source in _every_source(other) if (own := self.unit.inside(source))}
        return name in used

    # Losses

    def _add_loss(self, name: str, node: Node) -> None:
        if node.loss is None:
            return
        key = self.unit.key(name)
        output = outside(self.built.layers[key].template, self.loop)
        target = self.unit.stream(node.target, node.where) if node.target else None
        problem = node.loss.check(output, target)
        if problem:
            raise self.frame.site(node, {}).fail(problem)
        self.built.losses.update(loss_specs(key, node.layer, node.loss, node.target))


def _every_source(node: Node) -> list[str]:
    return [*node.sources, *node.others, *(node.unit.outer_sources() if node.unit else ())]


def _initial(node: Node) -> float | int | bool | str:
    """:return: the number that `prev:` of it is in the first frame, or the source that says it"""
    initial = node.layer.initial_output
    if node.others:
        return node.others[0]
    return {None: 0, "zeros": 0, "ones": 1}.get(initial, initial)
