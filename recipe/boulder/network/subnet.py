"""Reads a dict of layers: the whole network, or the layers that a layer holds, such as the `unit` of a loop.

Reading parses the options of each layer and resolves its references. Templates and parameters come later, in
`boulder.network.plain` and `boulder.network.loop.building`.

A layer class that holds a dict of layers derives from `Container`. Its `inner` returns a reader of the dict, `Subnet` or a
subclass with other rules for references, and a function that describes the layers:

    @layer_class("subnetwork")
    @dataclass(frozen=True, kw_only=True)
    class Subnetwork(Container):
        subnetwork: dict

        def inner(self, place: Place) -> Inner:
            subnet = Subnet(self.subnetwork, place, "subnetwork")
            return Inner(subnet, partial(describe_inner, subnet))

        def held_layers(self) -> Mapping[str, object]:
            return self.subnetwork

        def compute(self, run: LayerRun, output: Tensor) -> Tensor:
            return output

Its `compute` receives the output of the layer `HOLDER/output`; its `spec` is not called. The surroundings only ask for
`Node.inner`, so no other file needs to know the class. See `boulder.network.loop.layer` for a subclass of `Subnet`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from boulder.errors import NetworkError, nearest
from boulder.network.axes import Axis
from boulder.network.layer import Layer
from boulder.network.loss import Loss
from boulder.network.params import variable_scope
from boulder.network.reading import check_name, is_root, read_layer, read_loss, warn_of_options_without_loss
from boulder.network.refs import Ref, RefKind
from boulder.network.specs import InnerSpec
from boulder.network.template import Template

TemplateOf = Callable[[Ref], Template]


@dataclass(frozen=True)
class Place:
    """
    The place of a dict of layers in the network.

    :param mode: "train", "eval" or "search"
    :param streams: data stream → template
    :param default_input: the stream that `data` refers to
    :param outer: the subnet of the layer that holds the dict; None for the whole network
    :param name: absolute name of that layer, the holder; "" for the whole network
    :param path: path of the holder in the net dict: `decoder/unit/inner`
    :param where: the holder, for messages: "layer 'decoder/unit/inner' (rec)"
    :param scope: variable scope of the holder, with which the paths of parameters begin
    :param sources: sources of the holder
    """

    mode: str
    streams: Mapping[str, Template]
    default_input: str = "data"
    outer: Subnet | None = None
    name: str = ""
    path: str = ""
    where: str = ""
    scope: str = ""
    sources: tuple[Ref, ...] = ()


@dataclass(frozen=True)
class Inner:
    """
    The layers that a layer holds.

    :param subnet: reader of the dict
    :param describe: (templates of the surroundings, axis of the loop around the holder or None) → specs of the layers
    """

    subnet: Subnet
    describe: Callable[[TemplateOf, Axis | None], InnerSpec]


class Container(Layer):
    """A layer that holds a dict of layers."""

    def inner(self, place: Place) -> Inner:
        """
        Reads the dict.

        :raises NetworkError: for a wrong name, class, option or reference
        """
        raise NotImplementedError

    def held_layers(self) -> Mapping[str, object]:
        """:return: the dict of layers"""
        raise NotImplementedError

    def check_exposed(self, name: str) -> str | None:
        """
        :param name: a layer of the dict
        :return: why layers of the surroundings cannot read it as `HOLDER/NAME`, as the end of a sentence; None if they can
        """
        return None


@dataclass(frozen=True)
class Node:
    """
    A layer of a subnet, after reading.

    :param name: name within the subnet
    :param path: path in the net dict, for messages: `decoder/unit/s`
    :param layer: the layer with its options
    :param sources: its inputs
    :param initial: source of its `prev:` in the first frame of a loop; None if that is a number
    :param loss: the loss on its output, if any
    :param target: data stream of the loss's target, if the loss needs one
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
        """:return: everything that the layer depends on, in the current frame or in the previous one"""
        initial = () if self.initial is None else (self.initial,)
        return (*self.sources, *initial, *(self.inner.subnet.outer_refs() if self.inner else ()))


class Subnet:
    """
    A dict of layers, after reading, without the layers that no root depends on.

    :param layers: name → options
    :param option: the holder's option with the dict
    :raises NetworkError: for a wrong name, class, option or reference
    """

    noun: ClassVar[str] = "the subnetwork"
    """the subnet, for messages"""

    def __init__(self, layers: Mapping[str, object], place: Place, option: str = ""):
        self.layers, self.place, self.option = layers, place, option
        self.name, self.mode, self.outer = place.name, place.mode, place.outer
        self.nodes: dict[str, Node] = {}
        """name → layer, each after the layers that it depends on in the same frame"""
        if place.outer and "output" not in layers:
            raise NetworkError(f"{place.where}: its subnetwork needs a layer 'output'{nearest('output', layers)}")
        for name in layers:
            check_name(name)
        warn_of_options_without_loss(layers, self.path)
        for root in self.roots():
            self._read_with_dependencies(root)

    # Names

    def roots(self) -> list[str]:
        """:return: layers that exist even if no layer reads them"""
        return [name for name, options in self.layers.items() if name == "output" or is_root(options, self.mode)]

    def key(self, name: str) -> str:
        """:return: absolute name of a layer"""
        return f"{self.name}/{name}" if self.name else name

    def from_outside(self, name: str) -> Ref:
        """:return: reference to a layer, as a layer of the surroundings reads it"""
        return Ref(RefKind.SUBLAYER, f"{self.name.rpartition('/')[2]}/{name}", self.outer.name if self.outer else "")

    def path(self, name: str) -> str:
        """:return: path of a layer in the net dict, for messages"""
        return f"{self.place.path}/{self.option}/{name}" if self.place.path else name

    def scope(self, name: str) -> str:
        """:return: variable scope of a layer, with which the paths of its parameters begin"""
        return f"{self.place.scope}/{variable_scope(name)}" if self.place.scope else variable_scope(name)

    def resolve(self, text: str, where: str) -> Ref:
        """
        :param text: reference, as spelled in the net dict
        :param where: the layer that reads it, for messages
        :raises NetworkError: if it refers to nothing
        """
        if self.is_layer(text, where):
            return Ref(RefKind.LAYER, text, self.name)
        ref = Ref.parse(text)
        if ref.kind in (RefKind.INPUT, RefKind.DATA):
            return self.outer.resolve(text, where) if self.outer else self.resolve_stream(ref, text, where)
        if ref.kind is RefKind.BASE and self.outer:
            return self._resolve_outside(ref, self.outer, where)
        if ref.kind is RefKind.SUBLAYER and ref.holder in self.layers:
            self._check_sublayer(ref, where)
            return replace(ref, subnet=self.name)
        known = ["data", *self.layers, *(f"data:{key}" for key in self.place.streams)]
        raise NetworkError(f"{where}: 'from' names {text!r}, which is no layer{nearest(text, known)}")

    def is_layer(self, name: str, where: str) -> bool:
        """
        :param where: the layer that reads it, for messages
        :return: whether it is a layer of this subnet, or a part of one, see `Layer.parts`
        :raises NetworkError: for an unknown part of a layer that has parts
        """
        holder, slash, part = name.partition("/")
        if name in self.layers or not slash or holder not in self.layers:
            return name in self.layers
        parts = self._read_options(holder).parts(holder)
        if parts and part not in parts:
            raise NetworkError(f"{where}: 'from' names {name!r}, but {holder!r} has only the parts {', '.join(parts)}")
        return part in parts

    def resolve_stream(self, ref: Ref, text: str, where: str) -> Ref:
        """:return: reference to a data stream of this subnet"""
        key = self.place.default_input if ref.kind is RefKind.INPUT else ref.name
        self.stream(key, f"{where}: 'from' names {text!r}")
        return Ref(RefKind.DATA, key, self.name)

    def _resolve_outside(self, ref: Ref, outer: Subnet, where: str) -> Ref:
        try:
            return outer.resolve(ref.name, where)
        except NetworkError:
            hint = nearest(ref.text, [f"base:{name}" for name in outer.layers])
            message = f"{where}: 'from' names {ref.text!r}, which does not exist outside of {self.noun}{hint}"
            raise NetworkError(message) from None

    def _check_sublayer(self, ref: Ref, where: str) -> None:
        holder, where = self._read_options(ref.holder), f"{where}: 'from' names {ref.name!r}"
        if not isinstance(holder, Container):
            raise NetworkError(f"{where}, but {ref.holder!r} has no subnetwork")
        if ref.sublayer not in holder.held_layers():
            hint = nearest(ref.sublayer, holder.held_layers())
            raise NetworkError(f"{where}, which is no layer of its subnetwork{hint}")
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
        """:return: the layer that `ref` reads in the current frame; None if it reads anything else"""
        if ref.subnet != self.name:
            return self.outer.layer_of(ref) if self.outer else None
        return self.nodes[ref.name].layer if ref.kind is RefKind.LAYER else None

    def own(self, ref: Ref) -> str | None:
        """:return: the layer of this subnet that `ref` reads, in the current frame or in the previous one"""
        return ref.name if ref.subnet == self.name and ref.kind in (RefKind.LAYER, RefKind.PREV) else None

    def outer_refs(self) -> tuple[Ref, ...]:
        """:return: references to layers of the surroundings, which must be described first"""
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
        """:return: layers of this subnet that must be described before the node"""
        for ref in node.refs:
            if ref.subnet == self.name and ref.kind is RefKind.LAYER:
                yield ref.name
            elif ref.subnet == self.name and ref.kind is RefKind.SUBLAYER:
                yield ref.holder

    def circle(self, names: list[str]) -> NetworkError:
        """
        :param names: layers, each of which reads the next one; the last one is the first one
        """
        return NetworkError(f"layers depend on each other in a loop: {' → '.join(names)}")

    def _read_options(self, name: str) -> Layer:
        if name in self.layers:
            return read_layer(self.layers[name], f"layer {self.path(name)!r}")
        holder, _, part = name.partition("/")
        return self._read_options(holder).parts(holder)[part]

    def _read(self, name: str) -> Node:
        layer, path = self._read_options(name), self.path(name)
        where = f"layer {path!r} ({layer.class_name})"
        sources = tuple(self.resolve(source, where) for source in layer.dependencies(self.mode))
        loss, target = read_loss(layer, where)
        self._check_target(layer, target, where)
        node = Node(name, path, layer, sources, self.initial(layer, where), loss, target)
        if not isinstance(layer, Container):
            return node
        streams, key = self.place.streams, self.place.default_input
        place = Place(self.mode, streams, key, self, self.key(name), path, where, self.scope(name), sources)
        return replace(node, inner=layer.inner(place))

    def _check_target(self, layer: Layer, target: str | None, where: str) -> None:
        if target is not None:
            self.stream(target, f"{where}: the target of its loss is {target!r}")
        elif layer.target is not None:
            self.stream(layer.target, f"{where}: 'target' is {layer.target!r}")

    def initial(self, layer: Layer, where: str) -> Ref | None:
        """:return: source of `prev:` of the layer in the first frame of a loop; None if that is a number"""
        return None
