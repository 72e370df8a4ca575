"""`split`: an axis in parts, which other layers read as `LAYER/0`, `LAYER/1`, …"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boulder.network.axes import Axis
from boulder.network.axis_names import find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.dims import NetDim
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import resized
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import passes


@layer_class("split")
@dataclass(frozen=True, kw_only=True)
class Split(ConcatLayer):
    """The input, whose parts along a static axis are `LAYER/0`, `LAYER/1`, … RETURNN: SplitLayer.

    :param axis: axis to split, see `boulder.network.axis_names`; None: the feature axis
    :param num_splits: number of parts of equal size
    :param size_splits: size of each part
    :param out_dims: `Dim` of each part, in place of its size or beside it
    """

    axis: object = None
    num_splits: int | None = None
    size_splits: list[int] | None = None
    out_dims: list[NetDim] | None = None

    def spec(self, site: Site) -> Template:
        template = site.input()
        if (self.num_splits is None) == (self.size_splits is None) and (self.num_splits or not self.out_dims):
            raise site.fail("needs either 'num_splits' or 'size_splits'")
        self.split(template, site)
        return template

    def split(self, template: Template, site: Site) -> tuple[Axis, list[int]]:
        """:return: axis of the input, and the sizes of the parts"""
        axis = find_axis(template, "F" if self.axis is None else self.axis, site)
        if axis.size is None:
            raise site.fail(f"only an axis of known size can be split, but {axis} is not; its input is {template}")
        count = self.num_splits or 0
        named = [dim.size or 0 for dim in self.out_dims or ()]
        sizes = list(
            self.size_splits or (named if not count else [axis.size // count if count > 0 else 0] * max(count, 0))
        )
        if named and named != sizes:
            raise site.fail(f"'out_dims' are {self.out_dims}, but the parts have the sizes {sizes}")
        if sum(sizes) != axis.size or min(sizes, default=0) < 1:
            what = f"'num_splits' {count}" if count else f"'size_splits' {sizes}"
            raise site.fail(f"{what} does not divide the {axis.size} entries of axis {axis}")
        return axis, sizes

    def widening(self, w: Widening) -> None:
        x = passes(w)
        axis, sizes = self.split(x.new, w.site())
        old = w.old_layer.split(x.old, w.site(old=True))[1] if x.old else sizes
        if len(old) != len(sizes):
            raise w.refuse(f"has {len(sizes)} parts, not {len(old)} as before")
        w.split(x.term(axis), old, sizes)
        w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        return run.input(sources)

    def parts(self, own: str) -> Mapping[str, Layer]:
        count = len(self.size_splits or self.out_dims or ()) or max(0, self.num_splits or 0)
        return {f"{i}": Part(sources=own, whole=self, number=i) for i in range(count)}


@dataclass(frozen=True, kw_only=True)
class Part(Layer):
    """A part of the input. No net dict names this class.

    :param whole: the layer that is split
    :param number: number of the part
    """

    class_name = "split"

    whole: Split
    number: int

    def spec(self, site: Site) -> Template:
        ((_, template),) = site.sources
        axis, sizes = self.whole.split(template, site)
        return template.with_axis_replaced(axis, resized(axis, sizes[self.number], template))

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        axis = output.axes[site.sources[0][1].axes.index(self.whole.split(site.sources[0][1], site)[0])]
        return [(self.whole.out_dims[self.number], axis)] if self.whole.out_dims else []

    def widening(self, w: Widening) -> None:
        (x,) = w.sources
        at = x.new.axes.index(self.whole.split(x.new, w.site())[0])
        slots = w.wanted.slots.get(x.key)
        if slots is None:
            w.unchanged()
            return
        for i, (one, other) in enumerate(zip(x.terms, w.output.terms, strict=True)):
            w.tie(slots[self.number] if i == at else one, other)
        w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, x: Tensor) -> Tensor:
        axis, sizes = self.whole.split(x.template, self.site(run, x))
        new = run.template.axes[x.template.axes.index(axis)]
        place, start = x.axes.index(axis), sum(sizes[: self.number])
        value = x.value[(slice(None),) * place + (slice(start, start + sizes[self.number]),)]
        return x.made(value, [new if a == axis else a for a in x.axes], run.template)
