"""The templates of a loop's layers in one frame.

The template of a layer that depends on itself through `prev:`, as attention weights summed over the frames do, depends on
itself. It is found by iterating to a fixed point. In the first round the templates of the previous frame are unknown, and
layers are described from the known ones among their sources; each round uses the templates of the round before. Templates
only ever gain axes, so the iteration ends. As a check, each layer is then described once more, from all of its sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial

from boulder.errors import NetworkError
from boulder.network.axes import BEAM, TIME, Axis, Batch, Feature
from boulder.network.axis_names import find_axis
from boulder.network.dims import NetDim
from boulder.network.loop.axes import within
from boulder.network.loop.beams import Chooser, at_width
from boulder.network.loop.subnet import LoopSubnet
from boulder.network.node_site import default_dim, site_of
from boulder.network.reading import check_promises, checked_template
from boulder.network.refs import Ref, RefKind
from boulder.network.site import Site
from boulder.network.subnet import Node, TemplateOf
from boulder.network.template import Template, concatenated


class FrameTemplates:
    """
    The templates of one frame: of the layers, now and in the previous frame, and of the loop's input.

    :param outer: templates of the surroundings
    """

    def __init__(self, subnet: LoopSubnet, outer: TemplateOf):
        self.subnet, self.outer = subnet, outer
        self.time = _time(subnet, outer)
        self.loop = self.time.as_loop()
        self.layers: dict[str, Template] = {}
        self._exposed: dict[str, Template] = {}  # `LAYER/NAME` → of a layer that LAYER holds
        self.beam, self._beams = self._hypotheses()
        self._errors: dict[str, NetworkError] = {}
        self._solve()

    def _hypotheses(self) -> tuple[Axis | None, dict[str, Axis]]:
        """:return: axis of the hypotheses after each frame, if there are any; layer → their axis when the layer is computed"""
        nodes = self.subnet.nodes.items()
        choosers = {name: node.layer for name, node in nodes if isinstance(node.layer, Chooser)}
        widths = {name: chooser.beam_width for name, chooser in choosers.items()}
        cheating = {bool(getattr(layer, "cheating", False)) for name, layer in choosers.items() if widths[name]}
        if len(cheating) > 1:
            raise NetworkError(
                f"{self.subnet.where}: 'cheating' must be the same for all choices of a loop that search"
            )
        axes = {name: Axis(BEAM, width, (self.subnet.name,)) for name, width in widths.items() if width is not None}
        if not axes:
            return None, {}
        current = last = [*axes.values()][-1]
        found = {}
        for name in self.subnet.nodes:
            found[name] = current
            current = axes.get(name, current)
        return last, found

    @cached_property
    def input(self) -> Template:
        """Template of the loop's input, outside of the loop."""
        return _input(self.subnet, self.outer)

    def final(self, name: str) -> Template:
        """:return: template of a layer after the frame, when all choices are made"""
        return at_width(self.layers[name], self.beam)

    def seen_by(self, node: Node, ref: Ref) -> Template:
        """:return: the template of `ref` when the layer is computed"""
        return at_width(self.template(ref), self._beams.get(node.name))

    def template(self, ref: Ref) -> Template:
        """:raises KeyError: if it is not known yet"""
        if ref.subnet != self.subnet.name:
            return self.outer(ref)
        match ref.kind:
            case RefKind.INPUT:
                return within(self.input, self.input.time)
            case RefKind.STEP:
                return Template((), "int32")
            case RefKind.DATA:
                stream = self.outer(self.subnet.whole(ref))
                return within(stream, stream.time)
            case RefKind.SUBLAYER:
                return self._exposed[ref.name]
            case RefKind.FRAME:
                return within(self.outer(self.subnet.unstacked(ref)), self.unstacked_axis(ref))
        return self.layers[ref.name]

    def unstacked_axis(self, ref: Ref) -> Axis:
        """
        :param ref: of kind FRAME
        :return: the axis along which it is a frame
        """
        node = next(node for other, node in self.subnet.frames() if other == ref)
        return _unstacked(self.subnet, ref, node, self.outer, self.time)

    def site(self, node: Node, known: Mapping[Ref, Template]) -> Site:
        """
        :param known: templates of the sources, as far as they are known
        """
        return site_of(self.subnet, node, known, self.template, self.loop)

    def frame_site(self, node: Node) -> Site:
        """:return: the site of the layer in one frame"""
        return self.site(node, {source: self.seen_by(node, source) for source in node.sources})

    def _solve(self) -> None:
        nodes = self.subnet.nodes
        for _ in range(len(nodes) + 2):
            before = dict(self.layers)
            for name, node in nodes.items():
                template = self._guess(node)
                if template is not None:
                    self.layers[name] = template
            if self.layers == before:
                break
        for name, error in self._errors.items():
            if name not in self.layers:  # the reason why others are not known either
                raise error
        for name, node in nodes.items():
            known = self._known(node)
            missing = [ref for ref in _needed(node) if ref not in known]
            if missing:
                raise NetworkError(
                    f"{node.where}: the template of {missing[0].text!r} depends only on itself; give it an 'n_out'"
                    + (" or an 'out_type' with a 'shape'" if node.layer.reads_out_type else "")
                )
            template = self._described(node, known)
            if template != self.layers.get(name):
                raise NetworkError(
                    f"{node.where}: its output is {template} in one frame and {self.layers.get(name)} in the next"
                )

    def _described(self, node: Node, known: Mapping[Ref, Template]) -> Template:
        """:return: the layer's template, derived from the known templates"""
        if node.inner:
            spec = node.inner.describe(partial(self.seen_by, node), self.loop)
            self._exposed |= {f"{node.name}/{name}": layer.template for name, layer in spec.exposed.items()}
            check_promises(self.site(node, known), spec.output)
            return spec.output
        beam = self._beams.get(node.name)
        return checked_template(self.site(node, {ref: at_width(template, beam) for ref, template in known.items()}))

    def _known(self, node: Node) -> dict[Ref, Template]:
        found = {}
        for ref in _needed(node):
            own = ref.kind is RefKind.PREV and ref.name == node.name and ref.subnet == self.subnet.name
            template = self._known_template(ref) or (
                self._known_template(node.initial) if own and node.initial else None
            )
            if template is not None:
                found[ref] = template
        return found

    def _guess(self, node: Node) -> Template | None:
        known = self._known(node)
        complete = len(known) == len(_needed(node))
        if complete or known or not node.inner:
            try:
                found = (
                    self._described(node, known) if complete or node.inner else node.layer.guess(self.site(node, known))
                )
                if found is not None:
                    return found
            except KeyError:  # a reference of the layers that it holds
                pass
            except NetworkError as error:  # a wrong guess may cause it; otherwise it occurs again in the last round
                if complete:
                    self._errors[node.name] = error
        if node.name in self.layers or complete:
            return self.layers.get(node.name)
        if node.initial and not known:  # it depends on itself alone
            return self._known_template(node.initial)
        named = node.layer.out_dim
        dim = node.layer.given_dim or default_dim(node, self.template)
        if not dim:
            return None
        return Template((Batch, named.defined(Feature(dim), node.where) if named else Feature(dim)))

    def _known_template(self, ref: Ref) -> Template | None:
        try:
            return self.template(ref)
        except KeyError:
            return None


def _needed(node: Node) -> tuple[Ref, ...]:
    """:return: references whose templates the layer's own template depends on"""
    return tuple(dict.fromkeys((*node.sources, *(node.inner.subnet.outer_refs() if node.inner else ()))))


def _targets(subnet: LoopSubnet) -> list[Ref]:
    """:return: what gives the number of frames of a loop without an input, the first that has a time axis"""
    refs = [subnet.size_target, subnet.target]
    if subnet.mode != "search":
        refs += [node.target for node in subnet.nodes.values()]
    return [ref for ref in refs if ref is not None and ref.subnet != subnet.name]


def _unstacked(subnet: LoopSubnet, ref: Ref, node: Node, outer: TemplateOf, time: Axis | None) -> Axis:
    """
    :param ref: of kind FRAME
    :param node: the layer that reads it
    :param time: the time axis of the loop, if it is known
    """
    template, site = outer(subnet.unstacked(ref)), Site(subnet.key(node.name), node.layer, [], path=node.path)
    given = getattr(node.layer, "axis", None)
    axis = find_axis(template, given, site) if given is not None else time if time in template.axes else template.time
    if axis is None or axis.kind != TIME:
        raise site.fail(f"needs a time axis, but its source is {template}")
    return axis


def _time(subnet: LoopSubnet, outer: TemplateOf) -> Axis:
    """:return: the time axis, as it is outside of the loop"""
    named = subnet.loop.axis if isinstance(subnet.loop.axis, NetDim) else None
    if subnet.sources and not subnet.end_decides:
        time = _input(subnet, outer).required(TIME)
    else:
        time = _time_of_outputs(subnet, outer, named)
    known = named and named.axis
    if named and known is None:
        named.defined(time, subnet.where)
    elif (known and subnet.sources and known.identity != time.identity) or (
        not named and subnet.loop.axis not in _TIME
    ):
        raise NetworkError(f"{subnet.where}: 'axis' must be its time axis {time}, found {subnet.loop.axis!r}")
    return time


_TIME = (None, "T", "time")


def _input(subnet: LoopSubnet, outer: TemplateOf) -> Template:
    """:return: template of the loop's input, outside of the loop"""
    template = concatenated([outer(source) for source in subnet.sources])
    if template.time is None:
        raise NetworkError(f"{subnet.where}: needs a time axis to iterate over, but its input is {template}")
    return template


def _time_of_outputs(subnet: LoopSubnet, outer: TemplateOf, named: NetDim | None) -> Axis:
    """:param named: the option `axis`"""
    for ref in _targets(subnet):
        template = outer(ref)
        if template.time:
            return template.time
        if ref == subnet.size_target:
            raise NetworkError(f"{subnet.where}: 'size_target' needs a time axis, but {ref.text!r} is {template}")
    for ref, node in subnet.frames():
        return (named and named.axis) or _unstacked(subnet, ref, node, outer, None)
    if "end" not in subnet.nodes:
        if named and named.axis and named.axis.kind == TIME:
            return named.axis
        target = ", since a search does not read targets" if subnet.mode == "search" else ""
        advice = "or a layer 'end' in its subnetwork" if target else "a 'target', or a layer 'end' in its subnetwork"
        raise NetworkError(
            f"{subnet.where}: the number of frames is unknown{target}; give it a 'from' with a time axis, {advice}"
        )
    if named and named.axis and named.axis.origin != ("loop", subnet.name):
        raise NetworkError(
            f"{subnet.where}: 'axis' is {named}, the axis {named.axis}, but in a search the layer 'end' gives the lengths; "
            "expected a Dim that nothing else defines"
        )
    return Axis(TIME, None, ("loop", subnet.name))
