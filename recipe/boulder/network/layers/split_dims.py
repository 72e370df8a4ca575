"""`split_dims`: splits an axis into several, in row-major order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from boulder.lazy import tf
from boulder.network.axes import BATCH, DYNAMIC, FEATURE, TIME, Axis, Feature, StaticTime
from boulder.network.axis_names import find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.dims import NetDim
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import unused
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening, has_units
from boulder.network.widening.units import Product, sizes_of


@layer_class("split_dims")
@dataclass(frozen=True, kw_only=True)
class SplitDims(ConcatLayer):
    """Splits an axis into several: features into heads, or time into windows. RETURNN: SplitDimsLayer.

    The last part of the feature axis is the new feature axis. A dynamic time axis is split into windows of a fixed
    number of frames, and the last window of each sequence is padded.

    :param axis: axis to split, see `boulder.network.axis_names`
    :param dims: sizes of the parts, or their `Dim`s; one may be -1 for the remainder. For a dynamic axis it must be the first
    :param pad_to_multiples: pad the axis to a multiple of the window; None: if the axis is dynamic
    :param pad_value: value of the padding
    """

    axis: object
    dims: list[int | NetDim]
    pad_to_multiples: bool | None = None
    pad_value: float = 0

    def spec(self, site: Site) -> Template:
        template = site.input()
        axis = find_axis(template, self.axis, site)
        if 0 in self._sizes or min(self._sizes, default=0) < -1 or self._sizes.count(-1) > 1:
            raise site.fail(f"'dims' must have positive sizes and at most one -1, found {self.dims}")
        if axis.kind == BATCH or (axis.size is None and axis.kind not in DYNAMIC):
            raise site.fail(f"cannot split the axis {axis} of {template}")
        i = template.axes.index(axis)
        return replace(template, axes=(*template.axes[:i], *self._parts(template, axis, site), *template.axes[i + 1 :]))

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        template = site.input()
        first = template.axes.index(find_axis(template, self.axis, site))
        parts = zip(self.dims, output.axes[first : first + len(self.dims)], strict=True)
        return [(dim, axis) for dim, axis in parts if isinstance(dim, NetDim)]

    @property
    def _sizes(self) -> list[int]:
        """:return: -1 for a `Dim` without a size, as for the remainder"""
        return [(dim.size or -1) if isinstance(dim, NetDim) else dim for dim in self.dims]

    @property
    def _window(self) -> int:
        return prod(size for size in self._sizes if size > 0)

    def _parts(self, template: Template, axis: Axis, site: Site) -> list[Axis]:
        return self._dynamic(template, axis, site) if axis.size is None else self._static(template, axis, site)

    def _dynamic(self, template: Template, axis: Axis, site: Site) -> list[Axis]:
        first = self._sizes.index(-1) if -1 in self._sizes else None
        if first is None or (first > 0 and self._window > 1):
            raise site.fail(f"'dims' of a dynamic axis must begin with -1, found {self.dims}")
        if self.pad_to_multiples is False and self._window > 1:
            raise site.fail("'pad_to_multiples' must not be False for a dynamic axis, whose lengths may need padding")
        new: list[Axis] = []
        for size in self._sizes:
            new.append(axis.every(self._window) if size == -1 else unused(size, (*template.axes, *new)))
        return new

    def _static(self, template: Template, axis: Axis, site: Site) -> list[Axis]:
        size = axis.known_size + (-axis.known_size % self._window if self.pad_to_multiples else 0)
        if size % self._window or (-1 not in self._sizes and size != self._window):
            raise site.fail(f"'dims' {self.dims} do not multiply to the {axis.size} entries of axis {axis}")
        sizes = [size // self._window if n == -1 else n for n in self._sizes]
        new: list[Axis] = []
        for n in sizes:
            new.append(unused(n, (*template.axes, *new)))
        if axis.kind == TIME:
            i = self._sizes.index(-1) if -1 in self._sizes else 0
            new[i] = StaticTime(sizes[i])
        return [*new[:-1], Feature(sizes[-1])] if axis.kind == FEATURE else new

    def widening(self, w: Widening) -> None:
        x = w.input()
        axis = find_axis(x.new, self.axis, w.site())
        at, count = x.new.axes.index(axis), len(self.dims)
        outputs = [*w.output.terms[:at], *w.output.terms[at + count :]]
        for one, other in zip([term for i, term in enumerate(x.terms) if i != at], outputs, strict=True):
            w.tie(one, other)
        if has_units(axis):
            parts = Product(tuple(term for term in w.output.terms[at : at + count] if term is not None))
            whole = x.terms[at]
            if whole and sizes_of(parts) == sizes_of(whole):
                w.tie(whole, parts)
            else:
                w.keep(whole, "pads the axis that it splits")
        w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        site = self.site(run)
        axis = find_axis(x.template, self.axis, site)
        new = self._parts(x.template, axis, site)
        others = [a for a in x.axes if a != axis]
        value = x.ordered([*others, axis])
        filling = tf.cast(self.pad_value, value.dtype)
        if axis.size is None and self._window > 1:
            value = tf.where(run.mask_over([*others, axis], axis), value, filling)
            run.set_length_from(axis.every(self._window), axis, lambda n: -(-n // self._window))
        missing = -tf.shape(value)[-1] % self._window
        value = tf.pad(value, [*([[0, 0]] * len(others)), [0, missing]], constant_values=filling)
        shape = tf.shape(value)
        sizes = [shape[-1] // self._window if a.size is None else a.size for a in new]
        value = tf.reshape(value, tf.concat([shape[:-1], sizes], 0))
        value.set_shape([a.size for a in (*others, *new)])
        return x.made(value, (*others, *new), run.template)
