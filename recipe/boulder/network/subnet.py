"""Reads a dict of layers: the whole network, or the layers that a layer holds, such as the `unit` of a loop.

Each layer's options are parsed and its references are resolved; templates and parameters come later. A layer class that
holds a dict of layers derives from `Container`. Its `inner` gives a reader of that dict, which may be `Subnet` itself
or a subclass that knows more references, and a function that describes what was read (`boulder.network.plain` does so
for layers that are computed once, in order, and `boulder.network.loop` for loops):

    @layer_class("subnetwork")
    @dataclass(frozen=True, kw_only=True)
    class Subnetwork(Container):
        subnetwork: dict

        def inner(self, place: Place) -> Inner:
            subnet = SubnetworkSubnet(self.subnetwork, place)  # `data` is what `from` names
            return Inner(subnet, partial(describe_subnetwork, subnet))

Nothing else needs to know that class: the surroundings ask only for `Node.inner`. Its own `spec` is never called; its
`compute` gets the tensor of `HOLDER/output`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from boulder.errors import NetworkError, nearest
from boulder.network.axes import Axis
from boulder.network.layer import Layer, Site
from boulder.network.loss import Loss
from boulder.network.params import variable_scope
from boulder.network.reading import check_losses, check_name, is_root, loss_specs, read_layer, read_loss
from boulder.network.refs import Ref, RefKind
from boulder.network.specs import InnerSpec, LossSpec
from boulder.network.template import Template

TemplateOf = Callable[[Ref], Template]


@dataclass(frozen=True)
class Place:
    """
    Where a dict of layers stands.

    :param mode: "train", "eval" or "search"
    :param streams: data stream → template
    :param outer: the subnet with the layer that holds the dict; None for the whole network
    :param name: absolute name of that layer; "" for the whole network
    :param path: its path in the net dict, for messages: `decoder/unit/inner`
    :param scope: its variable scope, from which the paths of parameters begin
    :param sources: its `from`
    """

    mode: str
    streams: Mapping[str, Template]
    outer: Subnet | None = None
    name: str = ""
    path: str = ""
    scope: str = ""
    sources: tuple[Ref, ...] = ()


@dataclass(frozen=True)
class Inner:
    """
    The layers that a layer holds.

    :param subnet: reader of the dict
    :param describe: templates of the surroundings → specs of the layers
    """

    subnet: Subnet
    describe: Callable[[TemplateOf], InnerSpec]


class Container(Layer):
    """A layer that holds a dict of layers."""

    def inner(self, place: Place) -> Inner:
        """:raises NetworkError: if the dict is no subnet that this class can compute"""
        raise NotImplementedError

    def held_layers(self) -> Mapping[str, object]:
        """:return: the dict of layers"""
        raise NotImplementedError

    def check_exposed(self, name: str) -> str | None:
        """
        :param name: a layer of the dict that a layer of the surroundings reads as `HOLDER/NAME`
        :return: why it cannot, as the end of a sentence; None if it can
        """
        return None


@dataclass(frozen=True)
class Node:
    """
    A layer of a subnet, read.

    :param name: within the subnet
    :param path: in the net dict, for messages: `decoder/unit/s`
    :param layer: its options
    :param sources: its inputs
    :param initial: what `prev:` of it reads in the first frame, if that is a layer
    :param loss: the loss on its output, if any
    :param target: data stream of the loss's target, if it needs one
    :param inner: the layers that it holds, if any
    """

    name: str
    path: str
    layer: Layer
    sources: tuple[Ref, ...]
    initial: Ref | None = None
    loss: Loss | None = None
    target: str | None = None
    inner: Inner | None = None

    @property
    def where(self) -> str:
        return f"layer {self.path!r} ({self.layer.class_name})"

    @cached_property
    def refs(self) -> tuple[Ref, ...]:
        """:return: everything that must be there before this layer, or in the frame before"""
        initial = () if self.initial is None else (self.initial,)
        return (*self.sources, *initial, *(self.inner.subnet.outer_refs() if self.inner else ()))


class Subnet:
    """
    A dict of layers, read. Layers that no root needs are left out.

    :param layers: name → options, as the net dict has them
    :param path: layer name → path in the net dict
    :raises NetworkError: for a wrong name, class, option or reference
    """

    def __init__(self, layers: Mapping[str, object], place: Place, path: Callable[[str], str] = str):
        self.layers, self.place, self.path = layers, place, path
        self.name, self.mode, self.outer = place.name, place.mode, place.outer
        self.nodes: dict[str, Node] = {}
        """each layer after the layers that it depends on in the same frame"""
        for name in layers:
            check_name(name)
        check_losses(layers, path)
        for root in self.roots():
            self._read_with_dependencies(root)

    # Names

    def roots(self) -> list[str]:
        """:return: the layers that exist although nothing may depend on them"""
        return [name for name, options in self.layers.items() if name == "output" or is_root(options, self.mode)]

    def key(self, name: str) -> str:
        """:return: absolute name of a layer"""
        return f"{self.name}/{name}" if self.name else name

    def scope(self, name: str) -> str:
        """:return: what the paths of a layer's parameters begin with"""
        return variable_scope(name)

    def resolve(self, text: str, where: str) -> Ref:
        """
        :param text: reference, as the net dict has it
        :param where: for messages
        :raises NetworkError: if it refers to nothing
        """
        if text in self.layers:
            return Ref(RefKind.LAYER, text, self.name)
        ref = Ref.parse(text)
        if ref.kind in (RefKind.INPUT, RefKind.DATA):
            key = "data" if ref.kind is RefKind.INPUT else ref.name
            self.stream(key, f"{where}: 'from' names {text!r}")
            return Ref(RefKind.DATA, key, self.name)
        if ref.kind is RefKind.SUBLAYER and ref.holder in self.layers:
            self._check_sublayer(ref, where)
            return replace(ref, subnet=self.name)
        known = ["data", *self.layers, *(f"data:{key}" for key in self.place.streams)]
        raise NetworkError(f"{where}: 'from' names {text!r}, which is no layer{nearest(text, known)}")

    def _check_sublayer(self, ref: Ref, where: str) -> None:
        holder, where = self._read_options(ref.holder), f"{where}: 'from' names {ref.name!r}"
        if not isinstance(holder, Container):
            raise NetworkError(f"{where}, but {ref.holder!r} has no subnetwork")
        if ref.sublayer not in holder.held_layers():
            hint = nearest(ref.sublayer, holder.held_layers())
            raise NetworkError(f"{where}, which is no layer of that loop{hint}")
        problem = holder.check_exposed(ref.sublayer)
        if problem:
            raise NetworkError(f"{where}, {problem}")

    def stream(self, key: str, where: str) -> Template:
        """
        :param where: beginning of the message
        :return: template of a data stream
        """
        known = self.place.streams
        if key not in known:
            streams = ", ".join(map(repr, known)) or "nothing"
            raise NetworkError(f"{where}, but extern_data has only {streams}{nearest(key, known)}")
        return known[key]

    def layer_of(self, ref: Ref) -> Layer | None:
        """:return: options of the layer that `ref` reads in the current frame; None for anything else"""
        if ref.subnet != self.name:
            return self.outer.layer_of(ref) if self.outer else None
        return self.nodes[ref.name].layer if ref.kind is RefKind.LAYER else None

    def own(self, ref: Ref) -> str | None:
        """:return: the layer of this subnet that `ref` reads, in the current frame or in the previous one"""
        return ref.name if ref.subnet == self.name and ref.kind in (RefKind.LAYER, RefKind.PREV) else None

    def outer_refs(self) -> tuple[Ref, ...]:
        """:return: what must be described in the surroundings before these layers are"""
        refs = [*self.place.sources, *(ref for node in self.nodes.values() for ref in node.refs)]
        return tuple(dict.fromkeys(ref for ref in refs if ref.subnet != self.name and not ref.is_stream))

    # Reading

    def _read_with_dependencies(self, root: str) -> None:
        """Reads depth first, without recursion: a chain of layers may be longer than Python's stack."""
        waiting = [root]
        while waiting:
            start = waiting.pop()
            if start in self.nodes:
                continue
            reading = {start: self._read(start)}
            pending = {start: self._dependencies(reading[start])}
            while pending:
                name = next(reversed(pending))
                dependency = next(pending[name], None)
                if dependency is None:
                    del pending[name]
                    self.nodes[name] = reading.pop(name)
                    waiting += [ref.name for ref in self.nodes[name].refs if self._is_previous(ref)]
                elif dependency in pending:
                    names = list(pending)
                    raise self.circle([*names[names.index(dependency) :], dependency])
                elif dependency not in self.nodes:
                    reading[dependency] = self._read(dependency)
                    pending[dependency] = self._dependencies(reading[dependency])

    def _is_previous(self, ref: Ref) -> bool:
        return ref.kind is RefKind.PREV and ref.subnet == self.name

    def _dependencies(self, node: Node) -> Iterator[str]:
        """:return: layers of this subnet that the node reads in the current frame"""
        for ref in node.refs:
            if ref.subnet == self.name and ref.kind is RefKind.LAYER:
                yield ref.name
            elif ref.subnet == self.name and ref.kind is RefKind.SUBLAYER:
                yield ref.holder

    def circle(self, names: list[str]) -> NetworkError:
        """
        :param names: layers, each of which reads the next
        :return: the error to raise
        """
        return NetworkError(f"layers depend on each other in a loop: {' → '.join(names)}")

    def _read_options(self, name: str) -> Layer:
        return read_layer(self.layers[name], f"layer {self.path(name)!r}")

    def _read(self, name: str) -> Node:
        layer, path = self._read_options(name), self.path(name)
        where = f"layer {path!r} ({layer.class_name})"
        sources = tuple(self.resolve(source, where) for source in layer.dependencies(self.mode))
        loss, target = read_loss(layer, self.layers[name], where)
        self._check_target(layer, target, where)
        node = Node(name, path, layer, sources, self.initial(layer, where), loss, target)
        if not isinstance(layer, Container):
            return node
        place = replace(self.place, outer=self, name=self.key(name), path=path, scope=self.scope(name), sources=sources)
        return replace(node, inner=layer.inner(place))

    def _check_target(self, layer: Layer, target: str | None, where: str) -> None:
        if target is not None:
            self.stream(target, f"{where}: the target of its loss is {target!r}")
        elif layer.target is not None:
            self.stream(layer.target, f"{where}: 'target' is {layer.target!r}")

    def initial(self, layer: Layer, where: str) -> Ref | None:
        """:return: what `prev:` of the layer reads in the first frame of a loop, if that is a layer"""
        return None

    # Describing

    def default_dim(self, node: Node) -> int | None:
        """:return: `n_out` where the layer does not set it: from its target, as its loss needs it"""
        key = node.target or node.layer.target
        if key is None:
            return None
        stream = self.place.streams[key]
        return node.loss.output_dim(stream) if node.loss and node.target else stream.dim

    def site(
        self, node: Node, known: Mapping[Ref, Template], template_of: TemplateOf, loop: Axis | None = None
    ) -> Site:
        """
        :param known: templates of the sources, as far as they are known
        :param template_of: of the sources of `copy` layers among them
        :param loop: axis of the loop around the layer
        """
        refs = {ref.key: ref for ref in node.sources}

        def look_through(key: str) -> list[tuple[str, Template]] | None:
            copied = self._copied(refs[key])
            refs.update((ref.key, ref) for ref in copied or ())
            return None if copied is None else [(ref.key, template_of(ref)) for ref in copied]

        return Site(
            name=self.key(node.name),
            layer=node.layer,
            sources=[(ref.key, known[ref]) for ref in node.sources if ref in known],
            default_dim=self.default_dim(node),
            look_through=look_through,
            path=node.path,
            scope=self.scope(node.name),
            loop=loop,
            mode=self.mode,
            layer_of=lambda key: self.layer_of(refs[key]) if key in refs else None,
        )

    def _copied(self, ref: Ref) -> tuple[Ref, ...] | None:
        """:return: the sources of a layer of this subnet that only copies them"""
        if ref.subnet != self.name or ref.kind is not RefKind.LAYER:
            return None
        node = self.nodes[ref.name]
        return node.sources if node.layer.copies_sources else None

    def checked_losses(self, node: Node, output: Template, site: Site) -> dict[str, LossSpec]:
        """
        :param output: template of the layer's output, outside of loops
        :return: layer name → its loss, if it has one
        :raises NetworkError: if the loss does not fit the output
        """
        if node.loss is None:
            return {}
        key = node.target or node.layer.target
        problem = node.loss.check(output, self.place.streams[key] if key else None)
        if problem:
            raise site.fail(problem)
        return loss_specs(site.name, node.layer, node.loss, node.target)
