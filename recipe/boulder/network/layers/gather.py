"""`gather` and `gather_nd`: entries of an axis at given positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, DYNAMIC, FEATURE, OUTER, Axis
from boulder.network.axis_names import find_axis
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import unused
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import keeps_axis

NUMBERS = ("int32", "int64")
"""dtypes of positions"""


@dataclass(frozen=True, kw_only=True)
class _Gather(FurtherSources):
    further: ClassVar = ("position",)

    position: str | int

    @property
    def clips(self) -> bool:
        return False

    def gathered_axis(self, template: Template, site: Site) -> Axis:
        """:return: the axis of the input that the positions refer to"""
        raise NotImplementedError

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        axis = self.gathered_axis(template, site)
        if axis.kind in OUTER:
            raise site.fail(f"gathers entries of each sequence, but the axis is {axis} of {template}")
        position = site.sources[-1][1] if isinstance(self.position, str) else Template((), "int32")
        position = replace(position, axes=tuple(_as_in(template, position.axes).values()))
        if position.dtype not in NUMBERS:
            raise site.fail(f"'position' must be of int32 or int64, but {self.position!r} is {position}")
        if isinstance(self.position, int) and not 0 <= self.position < (axis.size or self.position + 1):
            raise site.fail(f"'position' must be from 0 to below the size of {axis}, found {self.position}")
        return replace(template, axes=tuple(_axes(template, axis, position).values()))

    def widening(self, w: Widening) -> None:
        own, further = w.divided()
        if any(source.units for source in further.values()):  # axes may take other roles
            w.unchanged()
            return
        x = w.input(own)
        axis = self.gathered_axis(x.new, w.site(sources=own))
        keeps_axis(w, x, axis, "takes entries of this axis by their number")
        w.tie_axes(x, [axis])
        for source in further.values():
            w.tie_axes(source)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, further = self.divided(sources)
        x = run.input(own)
        axis = self.gathered_axis(x.template, self.site(run, x))
        constant = Tensor(
            tf.constant(self.position if isinstance(self.position, int) else 0), (), Template((), "int32")
        )
        position = further.get("position", constant)
        names = _as_in(x.template, position.axes)
        template = replace(position.template, axes=tuple(names[a] for a in position.template.axes))
        position = self._clipped(run, axis, x, position.renamed(names, template))
        common = [a for a in x.axes if a in position.axes and a != axis]
        new = [a for a in position.axes if a not in common]
        rest = [a for a in x.axes if a not in common and a != axis]
        values = self._with_zeros(run, axis, x, [*common, axis, *rest], len(common))
        indices = position.ordered([*common, *new])
        size = tf.cast(tf.shape(values)[len(common)] - 1, indices.dtype)
        indices = tf.where((indices >= 0) & (indices < size), indices, size)
        found = tf.gather(values, indices, axis=len(common), batch_dims=len(common))
        names = _axes(x.template, axis, position.template)
        return run.tensor(found, [names[a] for a in (*common, *new, *rest)], run.template)

    def _clipped(self, run: LayerRun, axis: Axis, x: Tensor, position: Tensor) -> Tensor:
        if not self.clips:
            return position
        lengths = [a for a in run.length_axes(axis) if a in x.axes] if axis.kind in DYNAMIC else []
        axes = (*position.axes, *(a for a in lengths if a not in position.axes))
        if axis.kind in DYNAMIC:
            last = run.length_over(axes, axis) - 1
        else:
            last = tf.constant(axis.known_size - 1)
        value = position.ordered(axes)
        clipped = tf.maximum(tf.minimum(value, tf.cast(last, value.dtype)), 0)
        return Tensor(clipped, axes, replace(position.template, axes=axes))

    @staticmethod
    def _with_zeros(run: LayerRun, axis: Axis, x: Tensor, axes: list[Axis], at: int) -> TFTensor:
        """:return: `x` with zeros in the padding of the axis, and one more entry there, of zeros"""
        values = x.ordered(axes)
        if axis.kind in DYNAMIC and all(a in x.axes for a in run.length_axes(axis)):
            values = tf.where(run.mask_over(axes, axis), values, tf.zeros([], values.dtype))
        return tf.pad(values, [[0, int(i == at)] for i in range(len(axes))])


def _as_in(template: Template, axes: Sequence[Axis]) -> dict[Axis, Axis]:
    """:return: axis of the positions → the axis of the input with its `Dim`, in whatever role, or itself"""
    own = {a.dim: a for a in template.axes if a.dim}
    return {a: own.get(a.dim, a) for a in axes}


def _axes(template: Template, axis: Axis, position: Template) -> dict[Axis, Axis]:
    """:return: axes of input and positions → those of the output, in its order: the last feature axis of both has the features"""
    new = [a for a in position.axes if a not in template.axes or a == axis]
    outer = [a for a in (*template.axes, *new) if a.kind in OUTER]
    rest = [a for a in template.axes if a.kind not in OUTER]
    at = rest.index(axis)
    inner = [*rest[:at], *(a for a in new if a.kind not in OUTER), *rest[at + 1 :]]
    result = {a: a for a in (*sorted(outer, key=lambda a: a.kind != BATCH), *inner)}
    for former in [a for a in inner if a.kind == FEATURE][:-1]:
        result[former] = unused(former.size, inner, former.dim)
    return result


@layer_class("gather")
@dataclass(frozen=True, kw_only=True)
class Gather(_Gather):
    """
    The entries of an axis at given positions: y[b, i] = x[b, position[b, i]]. Axes that input and positions have in common are
    gone through together.

    A position that is no entry of the sequence gives zeros.

    RETURNN: GatherLayer, which there reads the padding or stops.

    :param position: layer with the positions, from 0, or a number
    :param axis: axis of the input, see `boulder.network.axis_names`
    :param clip_to_valid: take the nearest entry of the sequence for positions outside of it
    """

    axis: object = field()
    clip_to_valid: bool = False

    @property
    def clips(self) -> bool:
        return self.clip_to_valid

    def gathered_axis(self, template: Template, site: Site) -> Axis:
        return find_axis(template, self.axis, site)


@layer_class("gather_nd")
@dataclass(frozen=True, kw_only=True)
class GatherNd(_Gather):
    """
    The entries of the first axis after the batch at given positions. A position that is no entry of the sequence gives zeros.

    RETURNN: GatherNdLayer, which there reads the padding or stops.

    :param position: layer with the positions, from 0
    """

    position: str

    def gathered_axis(self, template: Template, site: Site) -> Axis:
        axes = [axis for axis in template.axes if axis.kind not in OUTER]
        if not axes:
            raise site.fail(f"needs an axis beside the batch, but its input is {template}")
        return axes[0]

    def spec(self, site: Site) -> Template:
        template = super().spec(site)
        input_, (_, position) = self.site_of_input(site).input(), site.sources[-1]
        axis = self.gathered_axis(input_, site)
        both = [a for a in position.axes if a in input_.axes and a.kind not in OUTER and a != axis]
        if both:
            raise site.fail_sources(
                f"input and positions both have the axis {both[0]}, expected class 'gather' for that"
            )
        return template
