"""Reads the `unit` of a loop. Its layers can also read the previous frame (`prev:`) and the surroundings (`base:`)."""

from __future__ import annotations

from dataclasses import replace

from boulder.errors import NetworkError, nearest
from boulder.network.extra_nets import net_and_name
from boulder.network.layer import Layer
from boulder.network.loop.length import MaxLength
from boulder.network.loop.loop_options import LoopOptions
from boulder.network.loop.of_zeros import APPLY
from boulder.network.names import Place
from boulder.network.params import joined_scope
from boulder.network.reading import warn_of_ignored_loss
from boulder.network.refs import Ref, RefKind
from boulder.network.source_options import naming
from boulder.network.subnet import Node, Subnet

WORDS = {"zeros": 0, "ones": 1, "var": 0}
"""values of `initial_output` that are neither a number nor a layer, as numbers; "var" is a trained vector instead"""

_REFUSED = {
    "keep_over_epoch": "each batch starts from its own first frame",
    "keep_over_epoch_no_init": "each batch starts from its own first frame",
}
"""further values that RETURNN has, with the reason or what to do"""


class LoopSubnet(Subnet):
    """
    The layers of a loop, after reading.

    :param loop: the loop's options
    """

    noun = "the loop"
    outer: Subnet

    def __init__(self, loop: LoopOptions, place: Place):
        self.loop, self.where = loop, place.where
        super().__init__(loop.unit, place, "unit")
        for name in self.layers:
            if net_and_name(name)[0]:
                raise NetworkError(
                    f"{self.where}: {name!r} is in its 'unit', but extra nets are only possible outside of loops"
                )
        self.max_length = MaxLength.read(loop.max_seq_len, loop.max_seq_len_via, self.resolve, self.where)
        self.size_target = self._time_of("size_target", loop.size_target)
        target = self._time_of("target", loop.target)
        self.target = None if self.sources or place.mode == "search" else target

    def _time_of(self, option: str, target: str | None) -> Ref | None:
        """:return: what an option names that gives the number of frames: "layer:NAME" or a data stream"""
        if target is None:
            return None
        where = f"{self.where}: {option!r} is {target!r}"
        if target.startswith("layer:"):
            return self.outer.resolve_in(self.around_holder, target.removeprefix("layer:"), where)
        return self.extern(target, where)

    @property
    def end_decides(self) -> bool:
        """:return: whether the layer `end` may end a sequence before its input ends, as in RETURNN: nothing else gives the length"""
        given: list[object] = [self.loop.axis, self.size_target]
        if self.mode != "search":
            given += [self.loop.target, *(node.target for node in self.nodes.values())]
        return bool(self.sources) and "end" in self.nodes and not any(given)

    @property
    def sources(self) -> tuple[Ref, ...]:
        """:return: `from` of the loop, whose frames it iterates over"""
        return self.place.sources

    def roots(self) -> list[str]:
        return self.roots_of("", ("output", "end"))

    def nested_roots(self, holder: str) -> list[str]:
        """:return: nothing: as in RETURNN, a layer within a subnetwork of a loop exists only if a layer reads it"""
        for name in super().nested_roots(holder):
            if name not in self.nodes and self.layers[name].get("loss"):  # type: ignore[attr-defined]  # a dict, as a root
                warn_of_ignored_loss(
                    f"layer {self.path(name)!r}", "no layer of the loop reads the layer", "it out of the subnetwork"
                )
        return []

    def scope(self, name: str) -> str:
        """:return: scope of the loop, "rec", scope of the layer, as in RETURNN; a `name_scope` of the loop stands for both"""
        around = self.place.scope if self.loop.name_scope is not None else joined_scope(self.place.scope, "rec")
        return self.nesting.scope(name if name in self.layers else name.rpartition("/")[0], around)

    def outer_refs(self) -> tuple[Ref, ...]:
        streams = [
            self.whole(ref) for node in self.nodes.values() for ref in node.refs if self._is_stream_of_frames(ref)
        ]
        frames = [self.unstacked(ref) for ref, _ in self.frames()]
        refs = [
            *self.sources,
            *self._targets(),
            *self.max_length.refs,
            *streams,
            *frames,
            *super().outer_refs(),
        ]
        return tuple(dict.fromkeys(ref for ref in refs if not ref.is_stream))

    def resolve(self, text: str, where: str) -> Ref:
        if self.is_layer(text, where):
            return Ref(RefKind.LAYER, text, self.name)
        ref = Ref.parse(text)
        match ref.kind:
            case RefKind.STEP:
                return replace(ref, subnet=self.name)
            case RefKind.INPUT if self.sources:
                return replace(ref, subnet=self.name)
            case RefKind.DATA if ref.name == "source":
                if not self.sources:
                    raise NetworkError(f"{where}: 'from' names {text!r}, but the loop has no 'from'")
                return Ref(RefKind.INPUT, subnet=self.name)
            case RefKind.INPUT | RefKind.DATA:
                key = self.place.default_input if ref.kind is RefKind.INPUT else ref.name
                try:
                    self.extern(key, f"{where}: 'from' names {text!r}")
                except NetworkError as error:
                    if self.sources and (hint := nearest(key, ["source"])):
                        raise NetworkError(f"{error}{hint.replace('source', 'data:source')}") from None
                    raise
                return Ref(RefKind.DATA, key, self.name)
            case RefKind.BASE:
                return super().resolve(text, where)
            case RefKind.FRAME:
                return self._frame(ref, where)
            case RefKind.PREV if self.is_layer(ref.name, where):
                return replace(ref, subnet=self.name)
            case RefKind.SUBLAYER if found := self.sublayer(ref, where):
                return found
        raise self._unknown(ref, where)

    def resolve_read_target(self, target: str, name: str, where: str) -> Ref:
        ref = self.resolve_target(target, name, where)
        if target.startswith("layer:") or ref.subnet == self.name:
            return self.resolve(target.removeprefix("layer:"), where)
        return Ref(RefKind.DATA, target, self.name)

    def whole(self, ref: Ref) -> Ref:
        """
        :param ref: to a data stream in one frame
        :return: to that of all frames
        """
        return self.extern(ref.name, f"{self.where}: 'from' names {ref.text!r}")

    def _is_stream_of_frames(self, ref: Ref) -> bool:
        return ref.kind is RefKind.DATA and ref.subnet == self.name

    def _targets(self) -> list[Ref]:
        return [ref for ref in (self.size_target, self.target) if ref is not None]

    def _frame(self, ref: Ref, where: str) -> Ref:
        outer = Ref.parse(ref.name)
        if outer.kind is not RefKind.BASE:
            raise NetworkError(f"{where}: its source must be outside of the loop, as 'base:…', found {ref.name!r}")
        self.resolve(ref.name, where)
        return Ref(RefKind.FRAME, outer.name, self.name)

    def unstacked(self, ref: Ref) -> Ref:
        """
        :param ref: of kind FRAME
        :return: what it is a frame of
        """
        return self.outer.resolve_in(self.around_holder, ref.name, self.where)

    def frames(self) -> list[tuple[Ref, Node]]:
        """:return: references of kind FRAME, and the layers that read them"""
        nodes = self.nodes.values()
        return [(ref, node) for node in nodes for ref in node.sources if ref.kind is RefKind.FRAME]

    def _unknown(self, ref: Ref, where: str) -> NetworkError:
        where = f"{where}: 'from' names {ref.text!r}"
        beside = self.beside_holder
        if ref.name in beside and ref.kind is RefKind.PREV:
            return NetworkError(
                f"{where}, but {ref.name!r} is outside of the loop and has no previous frame; 'base:{ref.name}' is the "
                "layer itself"
            )
        if ref.name in beside:
            return NetworkError(f"{where}, which is no layer of the loop; did you mean 'base:{ref.name}'?")
        own = [replace(ref, name=name).text for name in self.layers]
        hint = nearest(ref.text, [*own, *(f"base:{name}" for name in beside)])
        return NetworkError(f"{where}, which is no layer of the loop{hint}")

    def circle(self, names: list[str]) -> NetworkError:
        return NetworkError(
            f"{self.where}: layers depend on each other within a frame: {' → '.join(names)}; "
            f"one of them must be read from the previous frame, e.g. as 'prev:{names[-1]}'"
        )

    def initial(self, layer: Layer, where: str, holder: str) -> Ref | None:
        initial = layer.given_initial_output()
        if not isinstance(initial, str) or initial in WORDS or initial == APPLY:
            return None
        if initial in _REFUSED:
            raise NetworkError(f"{where}: 'initial_output' {initial!r} is not supported: {_REFUSED[initial]}")
        with naming("initial_output"):
            return self.resolve_in(holder, initial, where)
