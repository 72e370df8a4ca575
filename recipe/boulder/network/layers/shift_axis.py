"""`shift_axis`: entries moved along an axis."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network.axes import BATCH, DYNAMIC, Axis
from boulder.network.axis_names import find_axis
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import resized
from boulder.network.site import Site
from boulder.network.taking import length_of, taken
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import along


@layer_class("shift_axis")
@dataclass(frozen=True, kw_only=True)
class ShiftAxis(ConcatLayer):
    """y[t] = x[t - amount]; entries that move out of the axis are lost. RETURNN: ShiftAxisLayer.

    Shifted to the right, a sequence keeps its length; in RETURNN it may grow to that of the longest sequence of the batch.
    Shifted to the left, it ends in `pad_value`; in RETURNN a shorter sequence of the batch continues with its padding.

    :param axis: see `boulder.network.axis_names`
    :param amount: number of entries to the right, or to the left if negative
    :param pad: fill the entries that become free, so that the axis keeps its size
    :param pad_value: value of these entries
    :param adjust_size_info: along time, whether sequences that are shifted to the left become shorter
    """

    axis: object
    amount: int
    pad: bool = True
    pad_value: float | bool = 0
    adjust_size_info: bool = True

    def spec(self, site: Site) -> Template:
        template = site.input()
        axis = find_axis(template, self.axis, site)
        if self.amount == 0:
            raise site.fail("'amount' must not be 0")
        if axis.kind == BATCH or (axis.size is None and axis.kind not in DYNAMIC):
            raise site.fail(f"cannot shift axis {axis} of {template}")
        if not (self.pad or self.adjust_size_info):
            raise site.fail("without 'pad' the axis becomes shorter, so 'adjust_size_info' must be True")
        return template.with_axis_replaced(axis, self._new(axis, template, site))

    def _new(self, axis: Axis, template: Template, site: Site) -> Axis:
        if axis.size is not None:
            size = axis.size if self.pad else axis.size - abs(self.amount)
            if size < 1:
                raise site.fail(f"no entry of axis {axis} is left; its input is {template}")
            return axis if self.pad else resized(axis, size, template)
        if self.adjust_size_info and self.amount < 0:
            return axis.derived("after", -self.amount)
        return axis if self.pad else axis.derived("less", self.amount)

    def widening(self, w: Widening) -> None:
        along(w, self.axis)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        axis = find_axis(x.template, self.axis, self.site(run))
        new = run.template.axes[x.template.axes.index(axis)]
        if new != axis and axis.size is None:
            run.set_length_from(new, axis, lambda n: tf.maximum(0, n - abs(self.amount)))
        own = run.length_axes(axis) if axis.size is None else ()
        n = length_of(run, axis, own)[..., None]
        first = -self.amount if self.pad or self.amount < 0 else 0
        index = tf.range(run.shape([new])[0]) + first + tf.zeros_like(n)
        valid = (index >= 0) & (index < n)
        read = Axis(axis.kind, axis.size, ("read", axis.origin))  # the result may have `axis`
        x = x.renamed({axis: read}, x.template)
        return x.made(*taken(x, read, index, (*own, new), valid, self.pad_value), run.template)
