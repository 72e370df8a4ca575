"""`merge_dims`: merges axes into one, in row-major order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar, Literal

from boulder.lazy import tf
from boulder.network.axes import BATCH, DYNAMIC, FEATURE, TIME, Axis, Feature, StaticTime
from boulder.network.axis_names import find_axes
from boulder.network.concat_layer import ConcatLayer
from boulder.network.flat_axes import flattened
from boulder.network.in_padding import InPadding
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import unused
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening, has_units
from boulder.network.widening.units import Product
from boulder.network.widening.ways import keeps_axis, renames


@layer_class("merge_dims")
@dataclass(frozen=True, kw_only=True)
class MergeDims(ConcatLayer):
    """Merges several axes into one. RETURNN: MergeDimsLayer.

    If the feature axis is among the merged axes, the result is the feature axis. If time is, each frame becomes several
    consecutive frames. The batch can be merged with time only, which makes the frames a part of the batch, as `flatten_batch`
    does: with other axes, the result for a sequence would depend on the others.

    :param axes: see `boulder.network.axis_names`; fewer than two are a no-op
    :param keep_order: merge in the order of `axes`, which is then a list, instead of the order of the input
    """

    in_padding: ClassVar[InPadding] = InPadding.SOURCE

    axes: object
    keep_order: bool = False

    def spec(self, site: Site) -> Template:
        template = site.input()
        merged = self._merged(template, site)
        if len(merged) < 2:
            return template
        if (time := _merged_into_batch(merged)) is not None:
            return template.with_axis_replaced(time, flattened(time))
        self._check(merged, template, site)
        new = self._new(template, merged)
        at = template.axes.index(template.feature if new.kind == FEATURE else min(merged, key=template.axes.index))
        axes = [new if i == at else axis for i, axis in enumerate(template.axes) if i == at or axis not in merged]
        return replace(template, axes=tuple(axes))

    def _merged(self, template: Template, site: Site) -> list[Axis]:
        if self.keep_order and not isinstance(self.axes, list | tuple):
            raise site.fail(f"'axes' must be a list if 'keep_order' is True, found {self.axes!r}")
        found = find_axes(template, self.axes, site)
        return list(found) if self.keep_order else sorted(found, key=template.axes.index)

    @staticmethod
    def _check(merged: list[Axis], template: Template, site: Site) -> None:
        kinds = [axis.kind for axis in merged]
        if BATCH in kinds:
            raise site.fail(
                f"the batch cannot be merged with other axes, but 'axes' selects {', '.join(map(str, merged))}"
            )
        dynamic = [axis for axis in merged if axis.kind in DYNAMIC and axis.size is None]
        if dynamic and (merged[0] != dynamic[0] or len(dynamic) > 1 or FEATURE in kinds):
            raise site.fail(
                "time can only be merged with static axes after it that are not the feature axis, but 'axes' selects "
                f"{', '.join(map(str, merged))}"
            )
        if any(axis.size is None for axis in merged if axis not in dynamic):
            raise site.fail(f"needs to know the sizes of the axes, but its input is {template}")

    @staticmethod
    def _new(template: Template, merged: list[Axis]) -> Axis:
        size = prod(axis.size or 1 for axis in merged)
        if template.feature in merged:
            return Feature(size)
        if merged[0].size is None:
            return merged[0].repeated(size)
        if template.time in merged:
            return StaticTime(size)
        return unused(size, [axis for axis in template.axes if axis not in merged])

    def widening(self, w: Widening) -> None:
        x = w.input()
        merged = self._merged(x.new, w.site())
        if len(merged) < 2 or _merged_into_batch(merged) is not None:
            renames(w)
            return
        at = x.new.axes.index(x.new.feature if x.new.feature in merged else min(merged, key=x.new.axes.index))
        left = [i for i, axis in enumerate(x.new.axes) if i == at or axis not in merged]
        for i, other in zip(left, w.output.terms, strict=True):
            if i != at:
                w.tie(x.terms[i], other)
            elif all(has_units(axis) for axis in merged):
                w.tie(Product(tuple(term for axis in merged if (term := x.term(axis)))), other)
            else:
                for axis in merged:
                    keeps_axis(w, x, axis, "merges this axis with frames")
        w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        merged = self._merged(x.template, self.site(run))
        if len(merged) < 2:
            return x
        if (time := _merged_into_batch(merged)) is not None:
            run.set_length_from(flattened(time), time, lambda n: n)
            return x.renamed({time: flattened(time)}, run.template)
        new = self._new(x.template, merged)
        others = [axis for axis in x.axes if axis not in merged]
        value = x.ordered([*others, *merged])
        shape, size = tf.shape(value), new.size
        if size is None:
            times = prod(axis.known_size for axis in merged[1:])
            run.set_length_from(new, merged[0], lambda n: n * times)
            size = shape[len(others)] * times
        value = tf.reshape(value, tf.concat([shape[: len(others)], [size]], 0))
        value.set_shape([axis.size for axis in (*others, new)])
        return x.made(value, (*others, new), run.template)


def _merged_into_batch(merged: list[Axis]) -> Axis | None:
    """:return: the time axis, if it is to be merged with the batch"""
    times = [axis for axis in merged if axis.kind == TIME]
    return times[0] if len(merged) == 2 and len(times) == 1 and BATCH in {axis.kind for axis in merged} else None


@layer_class("combine_dims")
@dataclass(frozen=True, kw_only=True)
class CombineDims(MergeDims):
    """`merge_dims` in the order of `axes`. RETURNN: CombineDimsLayer."""

    keep_order: Literal[True] = True
