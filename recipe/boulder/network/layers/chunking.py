"""`time_chunking`: chunks of frames, which may overlap; `time_unchunking`: the frames again; `fold`: the inverse of `window`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from boulder.lazy import TFTensor, tf
from boulder.network.axes import DYNAMIC, FEATURE, LOOP, TIME, Axis
from boulder.network.axis_names import find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.made_axis import MakesAxis
from boulder.network.site import Site
from boulder.network.taking import taken, without_padding
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import passes


@layer_class("time_chunking")
@dataclass(frozen=True, kw_only=True)
class TimeChunking(ConcatLayer):
    """The frames in chunks, each of which other layers treat like a sequence. RETURNN: TimeChunkingLayer.

    A sequence has a chunk for each start 0, step, 2 · step, … before its end, up to the first one that reaches the end.
    RETURNN has as many chunks for each sequence as for the longest one of the batch.

    :param chunk_size: number of frames of a chunk; the last one may be shorter
    :param chunk_step: distance of the starts of two chunks
    :param axis: the time axis, see `boulder.network.axis_names`
    """

    chunk_size: int
    chunk_step: int
    axis: object = "T"

    def spec(self, site: Site) -> Template:
        template = site.input()
        axis = self.time(template, site)
        if min(self.chunk_size, self.chunk_step) < 1:
            raise site.fail(
                f"'chunk_size' and 'chunk_step' must be at least 1, found {self.chunk_size}, {self.chunk_step}"
            )
        axes = [self.chunk(axis) if a == axis else a for a in template.axes]
        return replace(template, axes=(*axes[:1], self.chunks(axis), *axes[1:]))

    def time(self, template: Template, site: Site) -> Axis:
        axis = find_axis(template, self.axis, site)
        if axis.kind != TIME or axis.size is not None:
            raise site.fail(f"'axis' must be a time axis with a length for each sequence, found {axis} of {template}")
        return axis

    def chunks(self, time: Axis) -> Axis:
        """:return: the axis of the chunks"""
        return Axis(LOOP, None, ("chunks", self.chunk_size, self.chunk_step, time.origin))

    def chunk(self, time: Axis) -> Axis:
        """:return: the time axis within a chunk"""
        return Axis(TIME, None, ("chunk", self.chunk_size, self.chunk_step, time.origin))

    def widening(self, w: Widening) -> None:
        passes(w)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        time = self.time(x.template, self.site(run))
        chunks, chunk = self.chunks(time), self.chunk(time)
        self.set_lengths(run, time)
        start = tf.range(run.frames(chunks)) * self.chunk_step
        index = start[:, None] + tf.range(run.frames(chunk))
        valid = index < run.frames(time)
        return x.made(*taken(x, time, index, (chunks, chunk), valid), run.template)

    def set_lengths(self, run: LayerRun, time: Axis) -> None:
        chunks, chunk, size, step = self.chunks(time), self.chunk(time), self.chunk_size, self.chunk_step
        run.set_length_from(chunks, time, lambda n: 1 - (-tf.maximum(0, n - size) // step))
        own = run.length_axes(time)

        def lengths() -> TFTensor:
            start = tf.range(run.frames(chunks)) * step
            n = run.length(time)[..., None]
            return tf.where(start < n, tf.clip_by_value(n - start, 0, size), 0)

        run.define_length(chunk, (*own, chunks), lengths)


@layer_class("time_unchunking")
@dataclass(frozen=True, kw_only=True)
class TimeUnchunking(FurtherSources):
    """The chunks of `time_chunking` as one sequence again: each frame is the mean over its chunks. RETURNN: TimeUnChunkingLayer.

    :param chunking_layer: the `time_chunking` layer that made the chunks
    """

    further: ClassVar[tuple[str, ...]] = ("chunking_layer",)
    chunking_layer: str

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        name, chunked = self.divided(site.sources)[1]["chunking_layer"]
        if not isinstance(site.layer_of(name), TimeChunking):
            raise site.fail(f"'chunking_layer' must be a layer 'time_chunking', but {name!r} is {chunked}")
        if not template.dtype.startswith("float"):
            raise site.fail(f"the mean over chunks needs float values, but its input is {template}")
        chunks, chunk, time = _chunk_axes(chunked)
        if not {chunks, chunk} <= set(template.axes):
            raise site.fail(f"needs the chunks of {name!r}, {chunks} and {chunk}, but its input is {template}")
        return replace(template, axes=tuple(time if a == chunk else a for a in template.axes if a != chunks))

    def widening(self, w: Widening) -> None:
        passes(w)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, named = self.divided(sources)
        chunks, chunk, time = _chunk_axes(named["chunking_layer"].template)
        return overlapped(run, run.input(own), chunks, chunk, time, chunks.origin[2], 0, mean=True)


def _chunk_axes(template: Template) -> tuple[Axis, Axis, Axis]:
    """:return: axis of the chunks, time within a chunk, and time before the chunking"""
    chunks = next(axis for axis in template.axes if axis.kind == LOOP and axis.origin[0] == "chunks")
    _, *arguments, origin = chunks.origin
    return chunks, Axis(TIME, None, ("chunk", *arguments, origin)), Axis(TIME, None, origin)


@layer_class("fold")
@dataclass(frozen=True, kw_only=True)
class Fold(MakesAxis):
    """The windows of `window`, added up where they overlap. RETURNN: FoldLayer.

    :param mode: sum or mean over the windows that a frame is in
    :param in_spatial_dim: axis of the windows, see `boulder.network.axis_names`
    :param window_dim: axis of the entries of a window
    :param padding: "same": `stride` frames for each window; "valid": also those before the first and after the last window
    :param window_left: number of frames of a window before the first frame of its stride; None: half of the window
    :param window_right: number of those behind; None: the rest of the window
    :param stride: distance of two windows
    """

    mode: Literal["sum", "mean"]
    in_spatial_dim: object
    window_dim: object
    padding: Literal["same", "valid", "SAME", "VALID"] = "same"
    window_left: int | None = None
    window_right: int | None = None
    stride: int = 1

    def spec(self, site: Site) -> Template:
        _, template = site.only_source()
        axis, window = self._axes(template, site)
        if self.stride < 1:
            raise site.fail(f"'stride' must be at least 1, found {self.stride}")
        new = self._new(axis, window)
        return replace(template, axes=tuple(new if a == axis else a for a in template.axes if a != window))

    def _axes(self, template: Template, site: Site) -> tuple[Axis, Axis]:
        axis, window = (find_axis(template, name, site) for name in (self.in_spatial_dim, self.window_dim))
        if axis.kind not in DYNAMIC or window.size is None or window.kind == FEATURE:
            raise site.fail(
                f"needs windows along time, and entries of a window along a static axis that is not the feature axis, found "
                f"{axis} and {window} of {template}"
            )
        if not template.dtype.startswith("float"):
            raise site.fail(f"needs float values, but its input is {template}")
        return axis, window

    def _new(self, axis: Axis, window: Axis) -> Axis:
        """:return: the axis of the frames"""
        new = axis.repeated(self.stride)
        return new if self._is_same or window.size == 1 else new.derived("more", window.known_size - 1)

    @property
    def _is_same(self) -> bool:
        return self.padding.lower() == "same"

    def _left(self, window: Axis) -> int:
        """:return: number of entries of the first window before the first frame"""
        if not self._is_same:
            return 0
        if self.window_left is None and self.window_right is not None:
            return window.known_size - 1 - self.window_right
        return (window.known_size - 1) // 2 if self.window_left is None else self.window_left

    def compute(self, run: LayerRun, x: Tensor) -> Tensor:
        axis, window = self._axes(x.template, self.site(run, x))
        new = self._new(axis, window)
        run.set_length_from(axis.repeated(self.stride), axis, lambda n: n * self.stride)
        run.set_length_from(new, axis, lambda n: n * self.stride + (0 if self._is_same else window.known_size - 1))
        return overlapped(run, x, axis, window, new, self.stride, self._left(window), mean=self.mode == "mean")


def overlapped(
    run: LayerRun, x: Tensor, windows: Axis, window: Axis, time: Axis, step: int, left: int, *, mean: bool
) -> Tensor:
    """
    Adds up windows of frames where they overlap.

    :param windows: axis of the windows, dynamic
    :param window: axis of the entries of a window
    :param time: axis of the frames
    :param step: distance of two windows in frames
    :param left: number of entries of the first window before the first frame
    :param mean: the mean over the windows that a frame is in, 0 where there is none, instead of the sum
    """
    size = run.shape([window])[0]
    rest = [axis for axis in x.axes if axis not in (windows, window)]
    value = x.ordered([*rest, windows, window])
    flat = Axis(TIME, None, ("entries", windows.origin))
    entries = Tensor(tf.reshape(value, tf.concat([tf.shape(value)[:-2], [-1]], 0)), (*rest, flat), x.template)
    own = run.length_axes(windows)
    count = run.length_over(own, windows)[..., None]
    frame = tf.range(run.frames(time)) + left
    most = -(-(window.size or window.origin[1]) // step)  # windows that a frame is in
    total, number = None, 0
    for back in range(most):
        which = frame // step - back
        entry = frame - which * step
        valid = (which >= 0) & (which < count) & (entry < size)
        index = tf.broadcast_to(which * size + entry, tf.shape(valid))
        found, axes = taken(entries, flat, index, (*own, time), valid)
        total = found if total is None else total + found
        number = number + tf.cast(valid, found.dtype)
    y = Tensor(total, axes, run.template)
    if mean:
        y = y.made(
            tf.math.divide_no_nan(y.value, Tensor(number, (*own, time), run.template).ordered(axes)), axes, run.template
        )
    return without_padding(run, y, [time])
