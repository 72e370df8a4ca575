"""`seq_len_mask`: a value in place of the frames that are no frames of the sequence, or of a window."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import DYNAMIC, OUTER, Axis
from boulder.network.axis_names import find_axis
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import passes


@layer_class("seq_len_mask")
@dataclass(frozen=True, kw_only=True)
class SeqLenMask(FurtherSources):
    """
    The input, with `mask_value` where the axis has no frame of the sequence, or none of the window. RETURNN: SeqLenMaskLayer.

    :param mask_value: the value
    :param axis: a dynamic axis, see `boulder.network.axis_names`
    :param seq_len_source: layer with the same axis, or another one, whose lengths count in place of the input's
    :param start: layer with the first frame, one int per sequence
    :param window_start: the same as an int or a layer, together with `window_size`
    :param window_size: number of frames in the window, as an int or a layer
    """

    further: ClassVar = ("seq_len_source", "start", "window_start", "window_size")

    mask_value: float
    axis: object = "T"
    seq_len_source: str | None = None
    start: str | None = None
    window_start: str | int | None = None
    window_size: str | int | None = None

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        axis = find_axis(template, self.axis, site)
        if axis.kind not in DYNAMIC or axis.size is not None:
            raise site.fail(f"'axis' needs sequences with lengths, found {axis} of {template}")
        if not template.dtype.startswith("float"):
            raise site.fail(f"needs float values, but its input is {template}")
        if (self.window_start is None) != (self.window_size is None):
            raise site.fail("'window_start' and 'window_size' must be given together")
        _, further = self.divided(site.sources)
        outer: list[Axis] = []
        for option, (name, given) in further.items():
            if option == "seq_len_source":
                if given.time is None:
                    raise site.fail(f"'seq_len_source' needs a time axis, but {name!r} is {given}")
                continue
            lacking = [a for a in given.axes if a not in template.axes]
            if not given.dtype.startswith("int") or axis in given.axes or any(a.kind not in OUTER for a in lacking):
                raise site.fail(f"{option!r} must have one int per sequence of {template}, but {name!r} is {given}")
            outer += [a for a in lacking if a not in outer]
        return replace(template, axes=(*outer, *template.axes))

    def widening(self, w: Widening) -> None:
        passes(w)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, further = self.divided(sources)
        x, axes = run.input(own), run.template.axes
        axis = find_axis(x.template, self.axis, self.site(run, x))
        lengths = further["seq_len_source"].template.time if "seq_len_source" in further else axis
        assert lengths is not None  # as in the spec half
        shape = [-1 if a == axis else 1 for a in axes]
        frame = tf.reshape(tf.range(run.frames(axis)), shape)

        def given(option: str) -> TFTensor:
            return tf.cast(further[option].ordered(axes), tf.int32) if option in further else getattr(self, option)

        mask = frame < run.length_over(axes, lengths)
        if self.start is not None:
            mask &= frame >= given("start")
        if self.window_start is not None:
            begin = given("window_start")
            mask &= (frame >= begin) & (frame < begin + given("window_size"))
        value = tf.where(mask, x.ordered(axes), tf.cast(self.mask_value, x.value.dtype))
        return run.tensor(value, axes, run.template)
