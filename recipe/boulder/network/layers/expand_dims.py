"""`expand_dims` adds an axis; `squeeze` removes axes of size 1."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from boulder.errors import NetworkError
from boulder.lazy import tf
from boulder.network.axes import BATCH, BEAM, FEATURE, LOOP, SPATIAL, TIME, Axis, Batch, Feature, StaticTime
from boulder.network.axis_names import find_axes
from boulder.network.concat_layer import ConcatLayer
from boulder.network.dims import NetDim
from boulder.network.in_padding import InPadding
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import unused, without_axes
from boulder.network.site import Site
from boulder.network.taking import taken
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening


@layer_class("expand_dims")
@dataclass(frozen=True, kw_only=True)
class ExpandDims(ConcatLayer):
    """Adds an axis, along which the input is repeated. RETURNN: ExpandDimsLayer.

    The new axis becomes the feature axis if it is the last static axis. It becomes the time axis if it was added as one
    and the input has no time.

    :param axis: position of the new axis. "F" or "feature": after the features; "spatial", "time" or "T": before the
        features, or last for class indices; an int: at this position, where the batch is 0
    :param dim: size of the new axis, or its `Dim`
    """

    in_padding: ClassVar[InPadding] = InPadding.SOURCE

    axis: str | int
    dim: int | NetDim = 1

    def spec(self, site: Site) -> Template:
        if self._size < 1:
            raise site.fail(f"'dim' must be at least 1, found {self.dim}")
        return self._expanded(site.input(), site)[0]

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        return [(self.dim, self._expanded(site.input(), site)[1])] if isinstance(self.dim, NetDim) else []

    @property
    def _size(self) -> int:
        return (self.dim.size or 0) if isinstance(self.dim, NetDim) else self.dim

    def _expanded(self, template: Template, site: Site) -> tuple[Template, Axis, dict[Axis, Axis]]:
        """:return: the output's template, the new axis, and old axis → new axis for those that change their role"""
        axes, feature, dense = list(template.axes), template.feature, template.sparse_dim is None
        own = [axis for axis in axes if axis.kind not in (LOOP, BEAM)]
        place = self._place(own, template, site)
        at = axes.index(own[place]) if place < len(own) else len(axes)
        new, renamed = unused(self._size, axes), {}
        if dense and not any(axis.kind in (FEATURE, SPATIAL) for axis in own[place:]):
            renamed = {feature: unused(feature.known_size, axes, feature.dim)} if feature else {}
            new = Feature(self._size)
        elif self._is_time and template.time is None:
            new = StaticTime(self._size)
        axes = [renamed.get(axis, axis) for axis in axes]
        return replace(template, axes=(*axes[:at], new, *axes[at:])), new, renamed

    @property
    def _is_time(self) -> bool:
        return isinstance(self.axis, str) and self.axis.lower() in ("spatial", "time", "t")

    def _place(self, own: list[Axis], template: Template, site: Site) -> int:
        """
        :param own: the axes of the input without loop and beam axes
        :return: position of the new axis among them, 0 to len(own)
        """
        first = 1 if own[:1] == [Batch] else 0
        if self._is_time:
            return max(first, len(own) - (template.sparse_dim is None)) if own else 0
        if isinstance(self.axis, str):
            if self.axis.lower() not in ("f", "feature"):
                raise site.fail(f"'axis' must be 'F', 'spatial', 'T' or an int, found {self.axis!r}")
            if template.sparse_dim is not None:
                raise site.fail(f"class indices cannot have a feature axis, but its input is {template}")
            return own.index(template.feature) + 1 if template.feature else len(own)
        place = self.axis + len(own) + 1 if self.axis < 0 else self.axis
        if isinstance(self.axis, bool) or not first <= place <= len(own):
            raise site.fail(f"'axis' {self.axis} is not a position after the batch in {template}")
        return place

    def widening(self, w: Widening) -> None:
        x = w.input()
        new = self._expanded(x.new, w.site())[1]
        own = [
            term
            for axis, term in zip(w.output.new.axes, w.output.terms, strict=True)
            if term is not None and axis != new
        ]
        for one, other in zip(x.units, own, strict=True):
            w.tie(one, other)
        w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        _, new, renamed = self._expanded(x.template, self.site(run))
        value = tf.repeat(tf.expand_dims(x.value, -1), self._size, axis=-1)
        return x.made(value, (*(renamed.get(axis, axis) for axis in x.axes), new), run.template)


@layer_class("squeeze")
@dataclass(frozen=True, kw_only=True)
class Squeeze(ConcatLayer):
    """Removes axes of size 1, or time where each sequence has a single frame. RETURNN: SqueezeLayer.

    :param axis: axes of size 1, see `boulder.network.axis_names`; "auto": all static ones
    :param enforce_batch_dim_axis: position at which an int `axis` counts the batch; None: 0
    :param allow_no_op: whether a missing axis is ignored
    """

    in_padding: ClassVar[InPadding] = InPadding.SOURCE

    axis: object
    enforce_batch_dim_axis: int | None = None
    allow_no_op: bool = False

    def spec(self, site: Site) -> Template:
        template = site.input()
        removed = self._removed(template, site)
        for axis in removed:
            if axis.size != 1 and not (axis.kind == TIME and axis.size is None):
                raise site.fail(f"axis {self.axis!r} is {axis}, but must have size 1; its input is {template}")
        return without_axes(template, removed)

    def _removed(self, template: Template, site: Site) -> tuple[Axis, ...]:
        if self.axis == "auto":
            return tuple(axis for axis in template.axes if axis.size == 1 and axis.kind != BEAM)
        if self.enforce_batch_dim_axis and template.batch:
            axes = [axis for axis in template.axes if axis.kind not in (BATCH, LOOP, BEAM)]
            axes.insert(self.enforce_batch_dim_axis, template.batch)
            template = replace(template, axes=tuple(axes))
        try:
            return find_axes(template, self.axis, site)
        except NetworkError:
            if self.allow_no_op:
                return ()
            raise

    def widening(self, w: Widening) -> None:
        x = w.input()
        w.tie_in_order(x, self._removed(x.new, w.site()))
        w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        removed = self._removed(x.template, self.site(run))
        rest = [axis for axis in x.template.axes if axis not in removed]
        names = dict(zip(rest, without_axes(x.template, removed).axes, strict=True))
        for axis in removed:
            if axis.size is None:
                x = _single_frame(run, x, axis)
        static = [x.axes.index(axis) for axis in removed if axis.size is not None]
        value = tf.squeeze(x.value, static) if static else x.value
        return x.made(value, [names[axis] for axis in x.axes if axis not in removed], run.template)


def _single_frame(run: LayerRun, x: Tensor, time: Axis) -> Tensor:
    """:return: the only frame of each sequence, 0 for a sequence without frames; more frames are an error at run time"""
    own, lengths = run.length_axes(time), run.length(time)
    message = f"layer {run.name!r}: squeezes {time}, but a sequence has more than one frame"
    with tf.control_dependencies([tf.debugging.assert_less_equal(lengths, 1, message)]):
        first = tf.zeros_like(lengths)
    return x.made(*taken(x, time, first, own, lengths > 0), x.template)
