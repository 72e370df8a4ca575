"""The names of a dict of layers: the absolute names of its layers, their paths, scopes, and what references refer to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from boulder.errors import NetworkError, nearest
from boulder.network.extra_nets import WithExtraNets, with_extra_layers
from boulder.network.layer import Layer
from boulder.network.nesting import Nesting, is_subnetwork
from boulder.network.reading import read_layer, registered_layers
from boulder.network.refs import Ref, RefKind
from boulder.network.template import Template


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
    :param trainable: whether the holder and everything around it is trained
    """

    mode: str
    streams: Mapping[str, Template]
    default_input: str = "data"
    outer: Names | None = None
    name: str = ""
    path: str = ""
    where: str = ""
    scope: str = ""
    sources: tuple[Ref, ...] = ()
    trainable: bool = True


class Names(WithExtraNets):
    """
    A dict of layers, unread.

    :param layers: name → options
    :param option: the holder's option with the dict
    :raises NetworkError: for a wrong name
    """

    noun: ClassVar[str] = "the subnetwork"
    """the subnet, for messages"""

    def __init__(self, layers: Mapping[str, object], place: Place, option: str = ""):
        self.nesting, self.place, self.option = Nesting.of(with_extra_layers(layers)), place, option
        self.exposed: set[tuple[str, str]] = set()
        """(layer, name of a layer that it holds), as layers read them so far"""
        self.layers = self.nesting.layers
        """name → options, of the layers and of those in subnetworks"""
        self.name, self.mode, self.outer = place.name, place.mode, place.outer
        self._init_nets()
        self.registered = registered_layers(self.layers, self.mode, self.path, nested=self.outer is not None)

    def options(self, name: str) -> Layer:
        """:raises NetworkError: for an unknown class or wrong options"""
        if name in self.layers:
            return read_layer(self.layers[name], f"layer {self.path(name)!r}")
        holder, _, part = name.rpartition("/")
        return self.options(holder).parts(holder.rpartition("/")[2])[part]

    def is_layer(self, name: str, where: str) -> bool:
        """
        :param where: the layer that reads it, for messages
        :return: whether it is a layer, or a part of one, see `Layer.parts`
        :raises NetworkError: for an unknown part of a layer that has parts
        """
        holder, _, part = name.rpartition("/")
        if name in self.layers or holder not in self.layers:
            return name in self.layers
        parts = self.options(holder).parts(holder.rpartition("/")[2])
        if parts and part not in parts:
            hint = nearest(part, parts)
            raise NetworkError(
                f"{where}: 'from' names {self.shown(name)!r}, but {self.shown(holder)!r} has only the parts {', '.join(parts)}{hint}"
            )
        return part in parts

    def around(self, name: str) -> str:
        """:return: the subnetwork of a layer or of a part of one; "" if it is in none"""
        layer = name if name in self.layers else name.rpartition("/")[0]
        return layer.rpartition("/")[0]

    def key(self, name: str) -> str:
        """:return: absolute name of a layer"""
        return f"{self.name}/{name}" if self.name else name

    def from_outside(self, name: str) -> Ref:
        """:return: reference to a layer, as a layer of the surroundings reads it"""
        outer, holder = self.outer.name if self.outer else "", self.holder
        return Ref(RefKind.SUBLAYER, f"{holder}/{name}", outer, holder.count("/") + 1)

    @property
    def holder(self) -> str:
        """:return: name of the holder in its surroundings"""
        return self.name.removeprefix(f"{self.outer.name}/") if self.outer and self.outer.name else self.name

    @property
    def around_holder(self) -> str:
        """:return: the subnetwork of the holder in its surroundings; "" if it is in none"""
        return self.holder.rpartition("/")[0]

    @property
    def beside_holder(self) -> list[str]:
        """:return: the layers around the holder, as layers of this dict name them after `base:`"""
        prefix = f"{self.around_holder}/" if self.around_holder else ""
        return [
            name.removeprefix(prefix) for name in (self.outer.layers if self.outer else ()) if name.startswith(prefix)
        ]

    def path(self, name: str) -> str:
        """:return: path of a layer in the net dict, for messages"""
        name = name.replace("/", "/subnetwork/")
        return f"{self.place.path}/{self.option}/{name}" if self.place.path else name

    def shown(self, name: str) -> str:
        """:return: name of a layer as layers beside it spell it, for messages"""
        return name

    def scope(self, name: str) -> str:
        """:return: variable scope of a layer, with which the paths of its parameters begin"""
        return self.nesting.scope(name if name in self.layers else name.rpartition("/")[0], self.place.scope)

    def owner(self, name: str) -> str:
        """:return: absolute name of the layer to which RETURNN counts the parameters of a layer"""
        return self.key(name)

    def owner_of(self, ref: Ref) -> str:
        """:return: likewise of the layer that a resolved reference reads"""
        if ref.subnet != self.name:
            assert self.outer  # references lead outwards only
            return self.outer.owner_of(ref)
        return f"{self.owner(ref.holder)}/{ref.sublayer}" if ref.kind is RefKind.SUBLAYER else self.owner(ref.name)

    def trainable(self, name: str) -> bool:
        """:return: whether all that is around the layer is trained"""
        return self.place.trainable and all(
            not isinstance(options := self.layers[holder], dict) or options.get("trainable") is not False
            for holder in self.nesting.holders(name)
        )

    def resolve_in(self, holder: str, text: str, where: str) -> Ref:
        """
        :param holder: the subnetwork of the layer that reads; "" if it is in none
        :param text: reference, as spelled there
        :raises NetworkError: if it refers to nothing
        """
        try:
            return self._resolve_in(holder, text, where)
        except NetworkError as error:
            if found := self._further_out(holder, text, where):
                message = str(error).partition("; did you mean ")[0]
                raise NetworkError(f"{message}; did you mean {found!r}?") from None
            raise

    def _further_out(self, holder: str, text: str, where: str) -> str | None:
        """:return: the reference with more "base:", if it refers to something then"""
        for depth in range(1, 5):
            try:
                self._resolve_in(holder, "base:" * depth + text, where)
            except NetworkError:
                continue
            return "base:" * depth + text
        return None

    def _resolve_in(self, holder: str, text: str, where: str) -> Ref:
        translated = self.nesting.translated(text, holder)
        if holder and translated == f"{holder}/{text}".replace(f"{holder}/prev:", f"prev:{holder}/"):
            self._check_nested(holder, text, where)
        try:
            return self.resolve(translated, where)
        except NetworkError:
            if text.startswith("base:") and holder and Ref.parse(translated).kind is RefKind.LAYER:
                hint = nearest(text, [f"base:{name}" for name in self.nesting.children[holder.rpartition("/")[0]]])
                raise self._missing_outside(text, "the subnetwork", where, hint) from None
            raise

    def _check_nested(self, holder: str, text: str, where: str) -> None:
        """Checks a reference to a layer of the same subnetwork."""
        own, around = self.nesting.children[holder], self.nesting.children[holder.rpartition("/")[0]]
        name = text.removeprefix("prev:").partition("/")[0]
        if name in own:
            return
        if name in around:
            raise NetworkError(
                f"{where}: 'from' names {text!r}, which is no layer of the subnetwork; did you mean 'base:{text}'?"
            )
        hint = nearest(text, ["data", *own, *(f"base:{name}" for name in around)])
        raise NetworkError(f"{where}: 'from' names {text!r}, which is no layer of the subnetwork{hint}")

    def resolve(self, text: str, where: str) -> Ref:
        """
        :param text: reference, as spelled in the net dict
        :param where: the layer that reads it, for messages
        :raises NetworkError: if it refers to nothing
        """
        text = self.within_extra(text)
        if self.is_layer(text, where):
            return Ref(RefKind.LAYER, text, self.name)
        ref = Ref.parse(text)
        if ref.kind in (RefKind.INPUT, RefKind.DATA):
            if self.outer:
                return self.outer.resolve_in(self.around_holder, text, where)
            return self.resolve_stream(ref, text, where)
        if ref.kind is RefKind.BASE and self.outer:
            return self._resolve_outside(ref, self.outer, where)
        if ref.kind is RefKind.SUBLAYER and (found := self.sublayer(ref, where)):
            return found
        if ref.kind is RefKind.FRAME:
            raise NetworkError(f"{where}: is only possible in the 'unit' of a loop")
        known = ["data", *self.layers, *(f"data:{key}" for key in self.place.streams)]
        raise NetworkError(f"{where}: 'from' names {text!r}, which is no layer{nearest(text, known)}")

    def resolve_stream(self, ref: Ref, text: str, where: str) -> Ref:
        """:return: reference to a data stream of this subnet"""
        key = self.place.default_input if ref.kind is RefKind.INPUT else ref.name
        return self.extern(key, f"{where}: 'from' names {text!r}")

    def extern(self, key: str, where: str) -> Ref:
        """
        :param where: beginning of the message if there is no such stream
        :return: reference to the whole data stream, or to the layer that is registered in its place
        """
        if self.outer:
            return self.outer.extern(key, where)
        if key in self.registered:
            return Ref(RefKind.LAYER, self.registered[key])
        self.stream(key, where)
        return Ref(RefKind.DATA, key)

    def resolve_target(self, target: str, name: str, where: str) -> Ref:
        """
        :param target: as in the option `target`
        :param name: the layer with the option
        :param where: the layer and what the target is for, for messages
        :return: as in RETURNN, a layer beside this one if one has that name; otherwise the whole data stream
        """
        holder, layer = name.rpartition("/")[0], target.removeprefix("layer:")
        beside = f"{holder}/{target}" if holder else target
        if layer != target or (self.within_extra(beside) in self.layers and beside != name):
            ref = self.resolve_in(holder, layer, where)
            return self.extern(ref.name, where) if ref.kind is RefKind.DATA else ref
        return self.extern(target, where)

    def resolve_read_target(self, target: str, name: str, where: str) -> Ref:
        """:return: the same, for a layer that reads the target as a source"""
        return self.resolve_target(target, name, where)

    def _resolve_outside(self, ref: Ref, outer: Names, where: str) -> Ref:
        try:
            return outer.resolve_in(self.around_holder, ref.name, where)
        except NetworkError:
            hint = nearest(ref.text, [f"base:{name}" for name in self.beside_holder])
            raise self._missing_outside(ref.text, self.noun, where, hint) from None

    @staticmethod
    def _missing_outside(text: str, noun: str, where: str, hint: str) -> NetworkError:
        return NetworkError(f"{where}: 'from' names {text!r}, which does not exist outside of {noun}{hint}")

    def sublayer(self, ref: Ref, where: str) -> Ref | None:
        """:return: resolved reference `LAYER/NAME` to a layer that LAYER holds; None if there is no LAYER"""
        parts = ref.name.split("/")
        depth = next((n for n in range(len(parts) - 1, 0, -1) if "/".join(parts[:n]) in self.layers), 0)
        if not depth:
            return None
        ref = replace(ref, subnet=self.name, depth=depth)
        self._check_sublayer(ref, where)
        self.exposed.add((ref.holder, ref.sublayer))
        return ref

    def _check_sublayer(self, ref: Ref, where: str) -> None:
        holder, where = self.options(ref.holder), f"{where}: 'from' names {self.shown(ref.name)!r}"
        if is_subnetwork(self.layers[ref.holder]):  # type: ignore[arg-type]  # as it was read
            hint = nearest(ref.sublayer, self.nesting.children[ref.holder])
            raise NetworkError(f"{where}, which is no layer of its subnetwork{hint}")
        held = holder.held_layers()
        if held is None:
            raise NetworkError(f"{where}, but {self.shown(ref.holder)!r} has no subnetwork")
        if ref.sublayer not in held:
            hint = nearest(ref.sublayer, held)
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
            raise NetworkError(f"{where}, but extern_data has only {streams}{nearest(key, [*known, *self.registered])}")
        return known[key]
