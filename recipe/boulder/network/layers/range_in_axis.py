"""`range_in_axis`: the numbers of the entries along an axis, from 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from boulder.lazy import tf
from boulder.network.axes import BATCH, FEATURE, SPATIAL, Axis, Feature
from boulder.network.axis_names import find_axis
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import keeps_axis


@layer_class("range_in_axis")
@dataclass(frozen=True, kw_only=True)
class RangeInAxis(Layer):
    """The numbers of the entries of an axis, from 0. The output has this axis only. RETURNN: RangeInAxisLayer.

    :param axis: see `boulder.network.axis_names`; "sparse_dim": the classes of the source
    :param dtype: of the numbers
    :param sparse: whether the numbers are class indices, of a static axis
    """

    refused: ClassVar[Mapping[str, str]] = {
        "keepdims": "RETURNN fails; expected none, since layers broadcast by axis",
        "unbroadcast": "RETURNN fails; expected none, since layers broadcast by axis",
    }

    axis: object = field()
    dtype: Literal["int32", "int64", "float32"] = "int32"
    sparse: bool = False

    def spec(self, site: Site) -> Template:
        _, template = site.only_source()
        axis = self._axis(template, site)
        if axis.kind == BATCH:
            raise site.fail(f"'axis' must be an axis of each sequence, found the batch of {template}")
        if not self.sparse:
            return Template((axis,), self.dtype)
        if axis.size is None or not self.dtype.startswith("int"):
            raise site.fail(f"'sparse' needs ints and a static axis, found {self.dtype} and {axis} of {template}")
        return Template((replace(axis, kind=SPATIAL) if axis.kind == FEATURE else axis,), self.dtype, axis.size)

    def _axis(self, template: Template, site: Site) -> Axis:
        if self.axis != "sparse_dim":
            return find_axis(template, self.axis, site)
        if template.sparse_dim is None:
            raise site.fail(f"'axis': 'sparse_dim' needs class indices, found {template}")
        return Feature(template.sparse_dim)

    def widening(self, w: Widening) -> None:
        x = w.sources[0]
        if self.axis != "sparse_dim":
            keeps_axis(w, x, self._axis(x.new, w.site()), "numbers the entries of this axis")

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        (axis,) = run.template.axes
        return run.tensor(tf.range(run.shape([axis])[0], dtype=self.dtype), (axis,), run.template)
