"""`slice_nd`: a range of frames with a start of its own for each sequence or each frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, DYNAMIC, FEATURE, TIME, Axis, StaticTime
from boulder.network.axis_names import find_axis
from boulder.network.dims import NetDim
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.made_axis import MakesAxis
from boulder.network.roles import unused
from boulder.network.site import Site
from boulder.network.taking import length_of, taken
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("slice_nd")
@dataclass(frozen=True, kw_only=True)
class SliceNd(MakesAxis, FurtherSources):
    """A range of frames for each sequence, or for each frame of `start`. Frames outside of the sequence are zeros.

    RETURNN: SliceNdLayer. The name of the new axis is "sliced-time:LAYER".

    :param start: number of the first frame: an int, or a layer of ints [batch] or [batch, time]; None: 0
    :param size: number of frames: an int; a `Dim`, with as many frames as along the time axis that it names; a layer of ints;
        None: up to the end of the sequence
    :param min_size: least number of frames, if `size` is not an int
    :param axis: see `boulder.network.axis_names`
    """

    further: ClassVar[tuple[str, ...]] = ("start", "size")
    start: int | str | None = None
    size: int | str | NetDim | None = field()
    min_size: int | None = None
    axis: object = "T"

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        axis = find_axis(template, self.axis, site)
        if axis.kind in (BATCH, FEATURE) or (axis.size is None and axis.kind not in DYNAMIC):
            raise site.fail(f"'axis' must be an axis of time or space, found {axis} of {template}")
        named = self.divided(site.sources)[1]
        for option, (name, numbers) in named.items():
            if not numbers.dtype.startswith("int") or numbers.feature:
                raise site.fail(f"{option!r} must be ints without a feature axis, but {name!r} is {numbers}")
        if isinstance(self.start, int) and self.start < 0:
            raise site.fail(f"'start' must be at least 0, found {self.start}")
        if isinstance(self.size, NetDim) and self.size.size is None and self._given is None:
            raise site.fail(f"'size' must be a Dim that is defined, found {self.size}")
        if self._static is not None and self._static < 1:
            raise site.fail(f"'size' must be at least 1, found {self._static}")
        new, at = self._new(axis, template, named, site), template.axes.index(axis)
        if self.out_spatial_dim is None and not isinstance(self.size, NetDim) and new.identity != axis.identity:
            new = replace(new, label=f"sliced-time:{site.name.rpartition('/')[2]}")
        more = self._more_axes(template, axis, named)
        return replace(template, axes=(*template.axes[:at], *more, new, *template.axes[at + 1 :]))

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        own = list(super().named_axes(site, output))
        if not isinstance(self.size, NetDim) or self._given is not None:
            return own
        return [*own, (self.size, self.made_axis(site, output))]

    @property
    def _static(self) -> int | None:
        """:return: `size`, if it is the same for all sequences"""
        return self.size.size if isinstance(self.size, NetDim) else self.size if isinstance(self.size, int) else None

    @property
    def _given(self) -> Axis | None:
        """:return: the dynamic axis that `size` names"""
        axis = self.size.axis if isinstance(self.size, NetDim) else None
        return axis if axis is not None and axis.size is None else None

    @staticmethod
    def _more_axes(template: Template, axis: Axis, named: dict[str, tuple[str, Template]]) -> list[Axis]:
        """:return: axes that the result has for each of their entries, as `start` differs"""
        axes = dict.fromkeys(a for _, numbers in named.values() for a in numbers.axes)
        return [a for a in axes if a not in template.axes or a == axis]

    def _new(self, axis: Axis, template: Template, named: dict[str, tuple[str, Template]], site: Site) -> Axis:
        """:return: the axis of the frames; a new one has RETURNN's name unless it has one of a `Dim`"""
        new = self._sliced(axis, template, named, site)
        if new == axis or self.out_spatial_dim:
            return new
        return replace(new, label=f"sliced-time:{site.name.rpartition('/')[2]}")

    def _sliced(self, axis: Axis, template: Template, named: dict[str, tuple[str, Template]], site: Site) -> Axis:
        if self._static is not None:
            return unused(self._static, template.axes)
        if self._given is not None:
            return self._given
        source = axis.origin if axis.size is None else (f"{axis.size}",)
        if self.size is not None:
            new = Axis(TIME, None, ("of length", named["size"][0]))
            return new.derived("at least", self.min_size) if self.min_size else new
        if "start" in named:
            return Axis(TIME, None, ("from", named["start"][0], self.min_size or 0, source))
        if axis.size is not None:
            return StaticTime(max(axis.size - int(self.start or 0), self.min_size or 0))
        new = axis.derived("after", self.start) if self.start else axis
        return new.derived("at least", self.min_size) if self.min_size else new

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, named = self.divided(sources)
        x = run.input(own)
        axis = find_axis(x.template, self.axis, self.site(run))
        templates = {option: ("", numbers.template) for option, numbers in named.items()}
        new = run.template.axes[x.template.axes.index(axis) + len(self._more_axes(x.template, axis, templates))]
        given = new if isinstance(self.size, NetDim) and new.size is None else None
        lengths = dict.fromkeys(
            a for time in (axis, given) if time and time.size is None for a in run.length_axes(time)
        )
        outer = tuple(dict.fromkeys([*lengths, *(a for numbers in named.values() for a in numbers.axes)]))
        numbers = {option: tf.cast(value.ordered(outer), tf.int32) for option, value in named.items()}
        start, available = numbers.get("start", self.start or 0), length_of(run, axis, outer)
        size = tf.maximum(numbers.get("size", available - start), self.min_size or 0)
        if given:
            size = run.length_over(outer, given)
        elif new.size is not None:
            size = tf.fill([1] * len(outer), new.size)
        elif named:
            run.set_length(new, self._lengths(run, size, outer), outer)
        else:
            run.set_length_from(new, axis, lambda n: tf.maximum(n - start, self.min_size or 0))
        count = tf.range(run.shape([new])[0])
        index = count + tf.broadcast_to(start, run.shape(outer))[..., None]
        valid = (index >= 0) & (index < available[..., None]) & (count < size[..., None])
        read = Axis(axis.kind, axis.size, ("read", axis.origin))  # the result may have `axis`
        x = x.renamed({axis: read}, x.template)
        return x.made(*taken(x, read, index, (*outer, new), valid), run.template)

    @staticmethod
    def _lengths(run: LayerRun, size: TFTensor, outer: tuple[Axis, ...]) -> TFTensor:
        """:return: `size` with the dimensions `outer`, at their full sizes, and 0 in their padding"""
        size = tf.broadcast_to(size, run.shape(outer))
        for axis in outer:
            if axis.kind in DYNAMIC and axis.size is None:
                size = tf.where(run.mask_over(outer, axis), size, 0)
        return size
