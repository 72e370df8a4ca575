"""`scatter_nd`: adds entries to a new axis at given positions, the inverse of `gather_nd`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, DYNAMIC, FEATURE, OUTER, Axis
from boulder.network.axis_names import find_axis
from boulder.network.dims import NetDim
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.layers.gather import NUMBERS
from boulder.network.roles import unused
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("scatter_nd")
@dataclass(frozen=True, kw_only=True)
class ScatterNd(FurtherSources):
    """
    The sum of the entries at each position: y[b, j] = Σ_i x[b, i] where position[b, i] = j. The padding of the positions adds
    nothing. RETURNN: ScatterNdLayer, which adds it.

    :param position: layer with the positions, from 0
    :param position_axis: axis i of the positions, see `boulder.network.axis_names`
    :param output_dim_via_time_from: layer whose time axis becomes the axis j
    :param out_spatial_dim: `Dim` of the axis j in its place, which a layer before this one has defined, or of a static size
    :param filter_invalid_indices: leave out positions that are no frames of the sequence; otherwise they are an error
    """

    further: ClassVar = ("position", "output_dim_via_time_from")

    position: str
    position_axis: object
    output_dim_via_time_from: str | None = None
    out_spatial_dim: NetDim | None = None
    filter_invalid_indices: bool = False

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        given = self.divided(site.sources)[1]
        _, position = given["position"]
        if position.dtype not in NUMBERS:
            raise site.fail(f"'position' must be of int32 or int64, but {self.position!r} is {position}")
        if template.dtype == "bool":
            raise site.fail(f"adds numbers, but its input is {template}")
        old, new = find_axis(position, self.position_axis, site), self._new(given, position, site)
        if old.kind == BATCH:
            raise site.fail(f"'position_axis' must be an axis of each sequence, found the batch of {position}")
        extra = [a for a in template.axes if a not in position.axes]
        if new in (*(a for a in position.axes if a != old), *extra):
            raise site.fail_sources(f"input or positions have the axis {new} already")
        axes = [new if a == old else a for a in position.axes]
        outer = [a for a in (*axes, *extra) if a.kind in OUTER]
        inner = [a for a in (*axes, *extra) if a.kind not in OUTER]
        ordered = (*sorted(outer, key=lambda a: a.kind != BATCH), *sorted(inner, key=lambda a: a.kind == FEATURE))
        return Template(ordered, template.dtype, template.sparse_dim)

    def _new(self, given: Mapping[str, tuple[str, Template]], position: Template, site: Site) -> Axis:
        """:return: the axis j"""
        dim = self.out_spatial_dim
        if (dim is None) == (self.output_dim_via_time_from is None):
            raise site.fail("needs either 'output_dim_via_time_from' or 'out_spatial_dim'")
        if dim is not None:
            if dim.axis is None and dim.size is None:
                raise site.fail(f"no layer before it and no data stream defines {dim}, and it has no size")
            return dim.axis or unused(dim.size or 0, position.axes)
        name, sized = given["output_dim_via_time_from"]
        if sized.time is None:
            raise site.fail(f"'output_dim_via_time_from' needs a time axis, but {name!r} is {sized}")
        return sized.time

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        if self.out_spatial_dim is None:
            return [*super().named_axes(site, output)]
        given = self.divided(site.sources)[1]
        return [*super().named_axes(site, output), (self.out_spatial_dim, self._new(given, given["position"][1], site))]

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, further = self.divided(sources)
        x, position = run.input(own), further["position"]
        templates = {option: (option, tensor.template) for option, tensor in further.items()}
        new = self._new(templates, position.template, self.site(run))
        old = find_axis(position.template, self.position_axis, self.site(run, x, position))
        outer = [a for a in position.axes if a != old]
        extra = [a for a in x.axes if a not in position.axes]
        axes = [*outer, old]
        used = self._used(run, position, new, axes)
        indices = tf.where(used, position.ordered(axes), 0)
        shape = tf.shape(indices)
        rows = tf.reduce_prod(shape[:-1])
        updates = x.ordered([*axes, *extra])
        updates = tf.where(
            tf.reshape(used, tf.concat([shape, [1] * len(extra)], 0)), updates, tf.zeros([], updates.dtype)
        )
        updates = tf.reshape(updates, tf.concat([[rows, shape[-1]], tf.shape(updates)[len(axes) :]], 0))
        flat = tf.reshape(indices, [rows, shape[-1]])
        row = tf.broadcast_to(tf.range(rows, dtype=flat.dtype)[:, None], tf.shape(flat))
        size = run.shape([new])[0]
        target = tf.concat([[rows, size], tf.shape(updates)[2:]], 0)
        summed = tf.scatter_nd(tf.stack([row, flat], axis=-1), updates, tf.cast(target, flat.dtype))
        summed = tf.reshape(summed, tf.concat([shape[:-1], [size], tf.shape(updates)[2:]], 0))
        summed.set_shape([*(a.size for a in outer), new.size, *(a.size for a in extra)])
        return run.tensor(summed, [*outer, new, *extra], run.template)

    def _used(self, run: LayerRun, position: Tensor, new: Axis, axes: list[Axis]) -> TFTensor:
        """:return: bool, of the positions, whether an entry is added there"""
        value = position.ordered(axes)
        used = tf.ones_like(value, tf.bool)
        for axis in axes:
            if axis.kind in DYNAMIC and all(a in axes for a in run.length_axes(axis)):
                used &= run.mask_over(axes, axis)
        within = all(a in axes for a in run.length_axes(new)) if new.size is None else False
        length = run.length_over(axes, new) if within else run.shape([new])[0]
        inside = (value >= 0) & (value < tf.cast(length, value.dtype))
        if not self.filter_invalid_indices:
            found = [f"layer {run.name!r}: 'position' has entries that are no frames of {new}; expected "
                     "'filter_invalid_indices': True to leave them out, or other positions"]  # fmt: skip
            with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(inside | ~used), found)]):
                used = tf.identity(used)
        return used & inside
