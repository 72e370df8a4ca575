"""Reads a dict of layers: the whole network, or the layers that a layer holds, such as the `unit` of a loop.

Reading parses the options of each layer and resolves its references. Templates and parameters come later, in
`boulder.network.plain` and `boulder.network.loop.building`.

A layer class that holds a dict of layers derives from `Container`. Its `inner` returns a reader of the dict, `Subnet` or a
subclass with other rules for references, and a function that describes the layers. Its `compute` receives the output of the
layer `HOLDER/output`; its `spec` is not called. The surroundings only ask for `Node.inner`, so no other file needs to know
the class. See `boulder.network.loop.layer` and `boulder.network.layers.masked_computation`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

from boulder.errors import NetworkError, nearest
from boulder.network.axes import Axis
from boulder.network.extra_nets import net_and_name
from boulder.network.layer import Layer
from boulder.network.loss import Loss
from boulder.network.names import Names, Place
from boulder.network.reading import (
    DEFAULT_TARGET,
    is_root,
    read_loss,
    warn_of_options_without_loss,
    warn_of_unread_dumps,
)
from boulder.network.refs import TARGET, Ref, RefKind
from boulder.network.sharing import Sharing, read_sharing
from boulder.network.source_options import naming, option_with
from boulder.network.specs import InnerSpec
from boulder.network.template import Template

TemplateOf = Callable[[Ref], Template]


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
    :param target: the target of its loss, or what gives `n_out`
    :param inner: the layers that it holds, if any
    :param sharing: `reuse_params` of the layer
    :param further: layers that exist if this one does
    """

    name: str
    path: str
    layer: Layer
    sources: tuple[Ref, ...]
    initial: Ref | None = None
    loss: Loss | None = None
    target: Ref | None = None
    inner: Inner | None = None
    sharing: Sharing | None = None
    further: tuple[Ref, ...] = ()

    @property
    def where(self) -> str:
        return f"layer {self.path!r} ({self.layer.class_name})"

    @cached_property
    def refs(self) -> tuple[Ref, ...]:
        """:return: everything that the layer depends on, in the current frame or in the previous one"""
        further = [ref for ref in (self.initial, self.target if self.reads_target else None) if ref is not None]
        outputs = self.sharing.sources() if self.sharing else ()
        return (*self.sources, *further, *outputs, *(self.inner.subnet.outer_refs() if self.inner else ()))

    @property
    def reads_target(self) -> bool:
        sizes_output = self.layer.n_out is None and not self.layer.reads_own_target
        return self.target is not None and (self.has_target or sizes_output)

    @property
    def has_target(self) -> bool:
        """:return: whether its loss compares with the target"""
        return self.loss is not None and self.loss.needs_target


def existing(node: Node) -> tuple[Ref, ...]:
    """:return: layers that must exist because the layer, or what it holds, takes their parameters or asks for them"""
    inner = node.inner.subnet.nodes.values() if node.inner else ()
    own = node.sharing.existing if node.sharing else ()
    return (*own, *node.further, *(ref for held in inner for ref in existing(held)))


class Subnet(Names):
    """
    A dict of layers, after reading, without the layers that no root depends on.

    Its extra nets (`boulder.network.extra_nets`) share its dict and its nodes; each is a `Subnet` with a mode of its own.

    :param layers: name → options
    :param option: the holder's option with the dict
    :raises NetworkError: for a wrong name, class, option or reference
    """

    output: ClassVar[str] = "output"
    """the layer whose output is the holder's"""

    def __init__(self, layers: Mapping[str, object], place: Place, option: str = ""):
        super().__init__(layers, place, option)
        self.nodes: dict[str, Node] = {}
        """name → layer, each after the layers that it depends on in the same frame"""
        if place.outer and self.output and self.output not in layers:
            hint = nearest(self.output, layers)
            raise NetworkError(f"{place.where}: its subnetwork needs a layer {self.output!r}{hint}")
        warn_of_options_without_loss(self.layers, self.path)
        for root in self.roots():
            self._read_with_dependencies(root)
        warn_of_unread_dumps(self.layers, self.nodes, self.mode, self.path)

    def roots(self) -> list[str]:
        """:return: layers that exist even if no layer reads them"""
        outputs = [name for name in self.nesting.children[""] if net_and_name(name)[1] == "output"]
        return self.roots_of("", outputs)

    def nested_roots(self, holder: str) -> list[str]:
        """:return: layers of a subnetwork that exist even if no layer reads them"""
        return self.roots_of(holder)

    def roots_of(self, holder: str, always: Collection[str] = ()) -> list[str]:
        """
        :param holder: a subnetwork; "" for this dict itself
        :param always: names of layers that exist in any case
        :return: its layers that exist even if no layer reads them
        """
        own = self.nesting.children[holder].items()
        names = [name for name, options in own if name in always or is_root(options, self.mode)]
        return [f"{holder}/{name}" if holder else name for name in names]

    def layer_of(self, ref: Ref) -> Layer | None:
        """:return: the layer that `ref` reads, in the current frame or in the previous one; None if it reads anything else"""
        if ref.subnet != self.name:
            return self.outer.layer_of(ref) if isinstance(self.outer, Subnet) else None
        own = self.own(ref)
        if own is None:
            return None
        node = self.nodes[own]
        return self.layer_of(node.sources[0]) if node.layer.stands_for_source else node.layer

    def own(self, ref: Ref) -> str | None:
        """:return: the layer of this subnet that `ref` reads, in the current frame or in the previous one, or looks into"""
        if ref.kind is RefKind.SUBLAYER and ref.subnet == self.name:
            return ref.holder
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
                    waiting += [owner for ref in existing(self.nodes[name]) if (owner := self.own(ref))]
                    waiting += [read for read in self.layers_of_loss(self.nodes[name]).values() if read in self.layers]
                    waiting += [holder for holder in self.nesting.holders(name) if holder not in self.nodes]
                    if self.nodes[name].layer.stands_for_source:
                        waiting += self.net_of(name).nested_roots(name)
                elif dependency in pending:
                    names = list(pending)
                    names = [*names[names.index(dependency) :], dependency]
                    raise NetworkError(f"{self.circle(names)}{self._sized_in_circle(names, reading)}")
                elif dependency not in self.nodes:
                    reading[dependency] = self._read(dependency)
                    pending[dependency] = self._dependencies(reading[dependency])

    def layers_of_loss(self, node: Node) -> dict[str, str]:
        """
        :return: option → layer that the loss of a layer reads beside its output, and which may depend on it, or data stream as
            "data:KEY"; searches have no losses
        """
        given = dict(node.loss.all_layers()) if node.loss and self.mode != "search" else {}
        for option, name in given.items():
            where = f"{node.where}: 'loss_opts': {option!r}"
            if self.outer:
                raise NetworkError(f"{where} works in layers of the whole network only")
            if name.startswith(TARGET):
                key = name.removeprefix(TARGET)
                given[option] = self.resolve_target(key, node.name, f"{where} names {key!r}").key
            elif name not in self.layers:
                raise NetworkError(f"{where} is {name!r}, which is no layer{nearest(name, self.layers)}")
        return given

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

    def _sized_in_circle(self, names: list[str], reading: Mapping[str, Node]) -> str:
        """:return: advice, if a layer of a circle reads the next one only as the target that gives its size; "" otherwise"""
        for name, following in pairwise(names):
            inner = reading[name].inner
            for node in (reading[name], *(inner.subnet.nodes.values() if inner else ())):
                target = node.target if node.reads_target and not node.has_target else None
                if target and self.own(target) == following:
                    return f". {node.where} takes the size of its output from its 'target'; expected an 'n_out' in its place"
        return ""

    def _read(self, name: str) -> Node:
        return self.net_of(name)._read_node(name)

    def _read_node(self, name: str) -> Node:
        layer, path = self.options(name), self.path(name)
        where = f"layer {path!r} ({layer.class_name})"
        layer = layer.in_mode(self.mode, where)
        around = name if layer.stands_for_source else self.around(name)
        if layer.stands_for_source and f"{name}/output" not in self.layers:
            hint = nearest("output", self.nesting.children[name])
            raise NetworkError(f"{where}: its subnetwork needs a layer 'output'{hint}")
        sources = tuple(self._source(source, around, name, layer, where) for source in layer.dependencies(self.mode))
        loss = read_loss(layer, where, self.mode)
        target = self._target(layer, loss, name, where)
        sharing = self._sharing(name, layer, where)
        initial = self.initial(layer, where, name.rpartition("/")[0])
        further = tuple(self._source(further, around, name, layer, where) for further in layer.further_layers())
        node = Node(name, path, layer, sources, initial, loss, target, None, sharing, further)
        if not isinstance(layer, Container):
            return node
        if layer.batch_norm:
            raise NetworkError(
                f"{where}: 'batch_norm' does not apply to the layers within; expected a layer 'batch_norm' after it"
            )
        streams, key = self.place.streams, self.place.default_input
        trainable = self.trainable(name) and layer.trainable is not False
        place = Place(self.mode, streams, key, self, self.key(name), path, where, self.scope(name), sources, trainable)
        return replace(node, inner=layer.inner(place))

    def _sharing(self, name: str, layer: Layer, where: str) -> Sharing | None:
        """:return: `reuse_params` of the layer; None without it"""
        if layer.reuse_params is None:
            return None
        around = name.rpartition("/")[0]
        if layer.stands_for_source or isinstance(layer, Container):
            raise NetworkError(
                f"{where}: 'reuse_params' has no effect on the layers that it holds; a common 'name_scope' shares their parameters"
            )

        def find(text: str) -> Ref:
            with naming("reuse_params"):
                return self.resolve_in(around, text, where)

        return read_sharing(layer.reuse_params, find, self.owner_of, where)

    def _source(self, text: str, around: str, name: str, layer: Layer, where: str) -> Ref:
        if not text.startswith(TARGET):
            with naming(option_with(layer, text)):
                return self.resolve_in(around, text, where)
        target = text.removeprefix(TARGET)
        return self.resolve_read_target(target, name, f"{where}: 'target' is {target!r}")

    def _target(self, layer: Layer, loss: Loss | None, name: str, where: str) -> Ref | None:
        """:return: what the loss compares with, or else what gives `n_out`"""
        if loss and loss.needs_target:
            target = layer.target or DEFAULT_TARGET
            return self.resolve_target(target, name, f"{where}: the target of its loss is {target!r}")
        if layer.target is None:
            return None
        return self.resolve_target(layer.target, name, f"{where}: 'target' is {layer.target!r}")

    def initial(self, layer: Layer, where: str, holder: str) -> Ref | None:
        """
        :param holder: the subnetwork of the layer
        :return: source of `prev:` of the layer in the first frame of a loop; None if that is a number
        """
        return None
