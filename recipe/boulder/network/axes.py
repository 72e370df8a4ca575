"""Named axes: dimensions of a tensor by identity instead of position.

Two dynamic axes are equal only if they were derived in the same way from the same data stream: the time axis of "data",
repeated by 2, equals itself and nothing else. So a network is checked without any sequence lengths.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from boulder.errors import NetworkError

BATCH, TIME, FEATURE, SPATIAL = "batch", "time", "feature", "spatial"
LOOP, BEAM = "loop", "beam"
"""Two kinds that a layer never asks for and treats like the batch. LOOP, dynamic like TIME, are the iterations of a recurrent
loop around a layer that is computed for all iterations at once. BEAM are the hypotheses of a search."""

DYNAMIC = (TIME, LOOP)
OUTER = (BATCH, LOOP, BEAM)
"""Kinds of axes that a tensor may lack; it is then constant along them."""


GIVEN = (("repeat by",), ("of length",))
"""Names of operations that make an axis of lengths which a layer computes."""

RENAMED = "as"
"""Name of the operation that makes another axis of the same lengths."""


@dataclass(frozen=True)
class Axis:
    """
    :param kind: BATCH, TIME (has a length per sequence; see `StaticTime`), FEATURE or SPATIAL (static), LOOP or BEAM. A feature
        axis with an `origin` is dynamic: a time axis in another role
    :param size: number of entries; None where it depends on the data (batch, time, loop)
    :param origin: derivation of a dynamic axis, e.g. ("data",) or ("repeat", 2, ("data",)); empty for static axes
    :param label: name of the `Dim` of a dynamic axis, for descriptions such as "stag:time"
    :param dim: name of the `Dim` of the net dict that a static axis is, see `boulder.network.dims`
    """

    kind: str
    size: int | None = None
    origin: tuple = ()
    dim: str = ""
    label: str = field(default="", compare=False)

    @property
    def identity(self) -> object:
        """:return: what an axis has in common with itself in other roles: time and loop, feature and spatial"""
        if self.dim:
            return self.dim
        return self.origin if self.has_lengths and self.size is None else self

    @property
    def tag(self) -> str:
        """:return: name of the axis, as RETURNN has it: of its `Dim`, or of its data stream and its derivation"""
        if self.dim or self.label or self.kind not in DYNAMIC or self.size is not None:
            return self.dim or self.label
        return _origin_text(_with_streams(self.origin))

    @property
    def has_lengths(self) -> bool:
        """:return: whether sequences have lengths along the axis"""
        return self.kind in DYNAMIC or self.is_dynamic_feature

    @property
    def has_given_lengths(self) -> bool:
        """:return: whether the lengths along the axis are values of a layer, so that they may be those along any other axis"""
        return self.size is None and self.origin[:1] in GIVEN

    @property
    def is_dynamic_feature(self) -> bool:
        """:return: whether it is a time axis in the role of the feature axis"""
        return self.kind == FEATURE and self.size is None and bool(self.origin)

    @property
    def known_size(self) -> int:
        """:return: `size` of a static axis

        :raises NetworkError: if the size is not known
        """
        if self.size is None:
            raise NetworkError(f"needs to know the size of axis {self}")
        return self.size

    @property
    def stream(self) -> object:
        """:return: what a dynamic axis is derived from: the key of a data stream, or the name of a loop"""
        origin: object = self.origin
        while isinstance(origin, tuple) and isinstance(origin[-1], tuple):
            origin = origin[-1]
        return origin

    @property
    def is_renamed(self) -> bool:
        """:return: whether a layer has named it apart from an axis of the same lengths, such as the keys of an attention"""
        return self.origin[:1] == (RENAMED,)

    def derived(self, operation: str, *arguments: object) -> Axis:
        """:return: the axis that `operation` makes of this one; it equals any other axis that is derived in the same way"""
        return Axis(self.kind, None, (operation, *arguments, self.origin))

    def repeated(self, times: int) -> Axis:
        """:return: this axis with each entry repeated `times` times; 2 and again 2 times equals 4 times, 1 time equals this axis"""
        if times == 1:
            return self
        match self.origin:
            case ("repeat", int(before), tuple(origin)):
                return Axis(self.kind, None, origin).derived("repeat", before * times)
        return self.derived("repeat", times)

    def every(self, stride: int) -> Axis:
        """:return: this axis with one of every `stride` entries, rounded up: ⌈⌈n / a⌉ / b⌉ = ⌈n / (a · b)⌉"""
        match self.origin:
            case ("every", int(before), tuple(origin)):
                return Axis(self.kind, None, origin).derived("every", before * stride)
            case ("repeat", int(times), tuple(origin)) if times % stride == 0:
                return Axis(self.kind, None, origin).repeated(times // stride)
        return self if stride == 1 else self.derived("every", stride)

    def as_loop(self) -> Axis:
        """:return: this time axis as the iterations of a loop"""
        return replace(self, kind=LOOP)

    def as_time(self) -> Axis:
        """:return: the iterations of a loop as a time axis, as they appear outside of the loop"""
        return replace(self, kind=TIME)

    def __str__(self) -> str:
        if self.has_lengths:
            return f"{self.kind}:{_origin_text(self.origin)}"
        size = "" if self.size is None else f":{self.size}"
        return f"{self.kind}{size} {self.dim!r}" if self.dim else f"{self.kind}{size}"


def _origin_text(origin: tuple) -> str:
    if not isinstance(origin[-1], tuple):
        return " ".join(map(str, origin))
    operation, *arguments = origin
    sources = [_origin_text(part) for part in arguments if isinstance(part, tuple)]
    return f"{operation}({', '.join([*sources, *(str(part) for part in arguments if not isinstance(part, tuple))])})"


def _with_streams(origin: tuple) -> tuple:
    *operation, source = origin
    if isinstance(source, tuple):
        return (*operation, _with_streams(source))
    return origin if operation else (f"time:var:extern_data:{source}",)


Batch = Axis(BATCH)


def Time(key: str) -> Axis:
    """:return: the time axis of the data stream `key`"""
    return Axis(TIME, None, (key,))


def StaticTime(size: int | None) -> Axis:
    """:return: a time axis along which all sequences have `size` frames"""
    return Axis(TIME, size, (f"{size}",))


def Spatial(size: int | None, number: int = 0) -> Axis:
    """:return: a static axis that is not the feature axis; `number` distinguishes axes of one size in a tensor"""
    return Axis(SPATIAL, size, (f"{number}",) if number else ())


def Feature(size: int | None) -> Axis:
    """:return: a feature axis with `size` entries"""
    return Axis(FEATURE, size)
