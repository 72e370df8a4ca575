"""`reshape`: axes of known size as other ones; `unflatten_nd`: frames as several axes whose sizes a layer gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from boulder.lazy import tf
from boulder.network.axes import BATCH, TIME, Axis
from boulder.network.axis_names import find_axis
from boulder.network.dims import NetDim
from boulder.network.extra_deps import ExtraDeps
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import as_feature, unused
from boulder.network.site import Site
from boulder.network.taking import taken
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("reshape")
@dataclass(frozen=True, kw_only=True)
class Reshape(ExtraDeps):
    """The entries along some axes, in row-major order, along other ones. RETURNN: ReshapeLayer.

    :param in_dims: axes of known size, in this order, see `boulder.network.axis_names`
    :param out_dims: their sizes afterwards, `Dim`s or ints. The last static axis becomes the feature axis if it was among them
    """

    in_dims: list[object]
    out_dims: list[int | NetDim]

    def spec(self, site: Site) -> Template:
        _, template = site.only_source()
        old = self._old(template, site)
        sizes = self._sizes
        if any(axis.size is None for axis in old) or None in sizes:
            raise site.fail(
                f"'in_dims' and 'out_dims' must be axes of known size, found {', '.join(map(str, old))} of {template}"
            )
        if prod(axis.known_size for axis in old) != prod(size or 0 for size in sizes):
            raise site.fail(f"'out_dims' {sizes} do not multiply to the entries of {', '.join(map(str, old))}")
        at = min(template.axes.index(axis) for axis in old)
        rest = [axis for axis in template.axes if axis not in old]
        new: list[Axis] = []
        for size in sizes:
            new.append(unused(size, [*rest, *new]))
        if template.feature in old:
            new[-1] = as_feature(new[-1])
        return replace(template, axes=(*rest[:at], *new, *rest[at:]))

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        ((_, template),) = site.sources
        at = min(template.axes.index(axis) for axis in self._old(template, site))
        dims = zip(self.out_dims, output.axes[at:], strict=False)
        return [*super().named_axes(site, output), *((dim, axis) for dim, axis in dims if isinstance(dim, NetDim))]

    @property
    def _sizes(self) -> list[int | None]:
        return [dim.size if isinstance(dim, NetDim) else dim for dim in self.out_dims]

    def _old(self, template: Template, site: Site) -> list[Axis]:
        axes = [find_axis(template, axis, site) for axis in self.in_dims]
        if not axes or not self.out_dims or len(set(axes)) < len(axes) or any(axis.kind == BATCH for axis in axes):
            raise site.fail(
                f"'in_dims' must name different axes of {template} except the batch, found {self.in_dims!r}"
            )
        return axes

    def compute(self, run: LayerRun, x: Tensor) -> Tensor:
        old = self._old(x.template, self.site(run, x))
        rest = [axis for axis in x.axes if axis not in old]
        new = [axis for axis in run.template.axes if axis not in rest]
        value = x.ordered([*rest, *old])
        value = tf.reshape(value, tf.concat([tf.shape(value)[: len(rest)], [axis.known_size for axis in new]], 0))
        value.set_shape([axis.size for axis in (*rest, *new)])
        return x.made(value, (*rest, *new), run.template)


@layer_class("unflatten_nd")
@dataclass(frozen=True, kw_only=True)
class UnflattenNd(Layer):
    """The frames of each sequence, in row-major order, along several axes, such as the rows and columns of an image.

    RETURNN: UnflattenNdLayer. Entries beyond the sizes of a sequence are 0; there they are its first frame.

    :param sizes: layer of ints [batch, number of axes]
    :param num_axes: number of axes
    :param in_dim: the time axis, see `boulder.network.axis_names`
    :param out_dims: `Dim`s of the axes
    :param declare_same_sizes_as: number of an axis → layer whose time axis it is; the sizes must be equal
    """

    refused: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("dropout", "dropout_axis", "dropout_noise_shape", "dropout_on_forward", "mask"),
        "expected a layer 'dropout' before it",
    )

    sizes: str
    num_axes: int
    in_dim: object = "T"  # type: ignore[assignment]  # not the feature axis, as of other layers
    out_dims: list[NetDim] | None = None
    declare_same_sizes_as: dict | None = None

    def check_in_dim(self, site: Site) -> None:
        """`spec` reads it."""

    def source_names(self) -> tuple[str, ...]:
        return (*super().source_names(), self.sizes, *self._same().values())

    def _same(self) -> dict[int, str]:
        return dict(sorted((self.declare_same_sizes_as or {}).items()))

    def spec(self, site: Site) -> Template:
        if len(super().source_names()) != 1:
            raise site.fail(f"takes one source, found {len(super().source_names())}")
        (_, template), (name, sizes), *_ = site.sources
        axis = find_axis(template, self.in_dim, site)
        if axis.kind != TIME:
            raise site.fail(f"'in_dim' must be the time axis, found {axis} of {template}")
        own = [a for a in sizes.axes if a.kind != BATCH]
        if not sizes.dtype.startswith("int") or sizes.batch is None or len(own) != 1 or own[0].size != self.num_axes:
            raise site.fail(f"'sizes' must be ints [batch, {self.num_axes}], but {name!r} is {sizes}")
        if self.out_dims is not None and len(self.out_dims) != self.num_axes:
            raise site.fail(f"'out_dims' must be {self.num_axes} Dims, found {len(self.out_dims)}")
        if self.out_dims is not None and self.declare_same_sizes_as:
            raise site.fail("takes either 'out_dims' or 'declare_same_sizes_as'")
        at, new = template.axes.index(axis), self._named(axis, name, site)
        return replace(template, axes=(*template.axes[:at], *new, *template.axes[at + 1 :]))

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        new = [axis for axis in output.axes if axis.kind == TIME and axis.origin[0] == "size"]
        return [*super().named_axes(site, output), *zip(self.out_dims or (), new, strict=False)]

    def _named(self, axis: Axis, sizes: str, site: Site) -> list[Axis]:
        """:return: the new axes, some of which are those of other layers"""
        new, count = self._new(axis, sizes), len(site.sources) - len(self._same())
        for number, (name, template) in zip(self._same(), site.sources[count:], strict=True):
            if not isinstance(number, int) or not 0 <= number < self.num_axes or template.time is None:
                raise site.fail(
                    f"'declare_same_sizes_as' maps numbers from 0 to {self.num_axes - 1} to layers with a time axis, found "
                    f"{{{number!r}: {name!r}}}, where {name!r} is {template}"
                )
            new[number] = template.time
        if len(set(new)) < len(new):
            raise site.fail(f"'declare_same_sizes_as' names one axis twice, {', '.join(map(str, new))}")
        return new

    def _new(self, axis: Axis, sizes: str) -> list[Axis]:
        source = axis.origin
        return [Axis(TIME, None, ("size", number, sizes, source)) for number in range(self.num_axes)]

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x, sizes, *_ = sources
        axis = find_axis(x.template, self.in_dim, self.site(run, x, sizes))
        at = x.template.axes.index(axis)
        own, new = self._new(axis, run.sources[1]), run.template.axes[at : at + self.num_axes]
        outer = tuple(a for a in sizes.axes if a.kind == BATCH)
        inner = next(a for a in sizes.axes if a.kind != BATCH)
        counts = tf.unstack(
            tf.maximum(0, tf.cast(sizes.ordered([*outer, inner]), tf.int32)), num=self.num_axes, axis=-1
        )
        index, valid = tf.constant(0), tf.constant(True)
        for number, (time, length) in enumerate(zip(new, counts, strict=True)):
            run.set_length(own[number], length, outer)
            length = run.with_same_lengths(length, own[number], time)
            shape = [1] * (1 + number) + [-1] + [1] * (self.num_axes - 1 - number)
            entry, length = (
                tf.reshape(tf.range(run.frames(time)), shape),
                tf.reshape(length, [-1] + [1] * self.num_axes),
            )
            index, valid = index * length + entry, valid & (entry < length)
        valid &= index < tf.reshape(run.length(axis), [-1] + [1] * self.num_axes)
        return x.made(*taken(x, axis, tf.where(valid, index, 0), (*outer, *new), valid), run.template)
