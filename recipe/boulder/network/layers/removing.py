"""`remove`: frames without a symbol; `boolean_mask`: frames that a mask selects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, BEAM, LOOP, TIME, Axis
from boulder.network.axis_names import find_axes, find_axis
from boulder.network.flat_axes import WHERE
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.taking import length_of, taken
from boulder.network.template import Template
from boulder.network.tensor import Tensor

_OUTER = (BATCH, LOOP, BEAM)


@layer_class("remove")
@dataclass(frozen=True, kw_only=True)
class Remove(Layer):
    """The frames whose class index is not `symbol`. RETURNN: RemoveLayer.

    :param symbol: class index; a negative one counts from the number of classes
    :param axis: the time axis, see `boulder.network.axis_names`
    """

    symbol: int
    axis: object = "T"

    def spec(self, site: Site) -> Template:
        name, template = site.only_source()
        axis = find_axis(template, self.axis, site)
        if (
            template.sparse_dim is None
            or axis.kind != TIME
            or any(a.kind not in _OUTER for a in template.axes if a != axis)
        ):
            raise site.fail(f"needs a sequence of class indices, but its input is {template}")
        if not 0 <= self._index(template) < template.sparse_dim:
            raise site.fail(
                f"'symbol' must be one of the {template.sparse_dim} classes of its input, found {self.symbol}"
            )
        return template.with_axis_replaced(axis, Axis(TIME, None, ("without", self.symbol, name, axis.origin)))

    def _index(self, template: Template) -> int:
        return self.symbol + (template.sparse_dim or 0) if self.symbol < 0 else self.symbol

    def compute(self, run: LayerRun, x: Tensor) -> Tensor:
        axis = find_axis(x.template, self.axis, self.site(run, x))
        new = run.template.axes[x.template.axes.index(axis)]
        kept = x.made(tf.not_equal(x.value, tf.cast(self._index(x.template), x.value.dtype)), x.axes, x.template)
        return selected(run, x, kept, axis, new)


@layer_class("boolean_mask")
@dataclass(frozen=True, kw_only=True)
class BooleanMask(FurtherSources):
    """The entries along `dims` for which a mask is true. RETURNN: BooleanMaskLayer.

    If the batch is among `dims`, the result has the entries of all sequences in one axis, which is then a part of the batch.

    :param mask: layer of bools along time, for each sequence or for all of them
    :param dims: time, or the batch and time, see `boulder.network.axis_names`
    """

    further: ClassVar[tuple[str, ...]] = ("mask",)
    mask: str = field()  # type: ignore[assignment]  # a layer, not the old option of dropout
    dims: object = field()

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        name, mask = self.divided(site.sources)[1]["mask"]
        axis, packed = self._axis(template, site)
        if mask.dtype != "bool" or axis not in mask.axes or any(a.kind not in _OUTER for a in mask.axes if a != axis):
            raise site.fail(f"'mask' must be bools along {axis}, but {name!r} is {mask}")
        return template.with_axis_replaced(axis, self._new(axis, packed, name))

    def _axis(self, template: Template, site: Site) -> tuple[Axis, bool]:
        """:return: the axis whose entries are selected, and whether the result is a part of the batch"""
        axes = find_axes(template, self.dims, site)
        others = [axis for axis in axes if axis.kind != BATCH]
        if len(others) != 1 or others[0].kind != TIME:
            raise site.fail(f"'dims' must be time, or the batch and time, found {', '.join(map(str, axes)) or 'none'}")
        return others[0], len(axes) > 1

    @staticmethod
    def _new(axis: Axis, packed: bool, mask: str) -> Axis:
        return Axis(LOOP if packed else TIME, None, (WHERE, mask, axis.origin))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        own, named = self.divided(sources)
        x = run.input(own)
        axis, _ = self._axis(x.template, self.site(run))
        return selected(run, x, named["mask"], axis, run.template.axes[x.template.axes.index(axis)])


def selected(run: LayerRun, x: Tensor, kept: Tensor, axis: Axis, new: Axis) -> Tensor:
    """
    :param kept: bool, for each entry along `axis`
    :param new: axis of the entries that are kept; this sets its lengths
    """
    outer = [a for a in kept.axes if a != axis]
    if axis.size is None:
        outer = list(dict.fromkeys([*outer, *run.length_axes(axis)]))
    order = [*outer, axis]
    inside = tf.range(run.shape([axis])[0]) < length_of(run, axis, outer)[..., None]
    keep = tf.broadcast_to(kept.ordered(order) & inside, run.shape(order))
    run.set_length(new, tf.reduce_sum(tf.cast(keep, tf.int32), -1), tuple(outer))
    first = tf.argsort(tf.cast(~keep, tf.int32), -1, stable=True)[..., : run.frames(new)]  # kept ones first, in order
    valid = _up_to(run.frames(new), run.length_over(outer, new))
    return x.made(*taken(x, axis, first, (*outer, new), valid), run.template)


def _up_to(frames: TFTensor, lengths: TFTensor) -> TFTensor:
    return tf.range(frames) < lengths[..., None]
