"""`range_in_axis`: the numbers of the entries along an axis, from 0."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from boulder.lazy import tf
from boulder.network.axes import BATCH
from boulder.network.axis_names import find_axis
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("range_in_axis")
@dataclass(frozen=True, kw_only=True)
class RangeInAxis(Layer):
    """The numbers of the entries of an axis, from 0. The output has this axis only. RETURNN: RangeInAxisLayer.

    :param axis: see `boulder.network.axis_names`
    :param dtype: of the numbers
    """

    axis: object = field()
    dtype: Literal["int32", "int64", "float32"] = "int32"

    def spec(self, site: Site) -> Template:
        _, template = site.only_source()
        axis = find_axis(template, self.axis, site)
        if axis.kind == BATCH:
            raise site.fail(f"'axis' must be an axis of each sequence, found the batch of {template}")
        return Template((axis,), self.dtype)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        (axis,) = run.template.axes
        return run.tensor(tf.range(run.shape([axis])[0], dtype=self.dtype), (axis,), run.template)
