"""`constant`: a constant given in the net dict."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from boulder.lazy import tf
from boulder.network.axes import Batch, Feature
from boulder.network.layer import Layer, Site, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import unused
from boulder.network.template import DTYPES, Template
from boulder.network.tensor import Tensor


@layer_class("constant")
@dataclass(frozen=True, kw_only=True)
class Constant(Layer):
    """A number or an array. The last axis is the feature axis, unless the values are class indices. RETURNN: ConstantLayer.

    :param value: number, array, or (nested) list of numbers
    :param shape: without the batch; a number is broadcast to it, the shape of an array must equal it
    :param dtype: "float32", "int32", "bool", …; None: the dtype of `value`, where Python floats are "float32"
    :param with_batch_dim: add a batch axis
    :param sparse_dim: number of classes, if the values are class indices
    """

    sources: str | list[str] = field(default_factory=list)
    value: object = 0.0
    shape: list[int] | None = None
    dtype: str | None = None
    with_batch_dim: bool = False
    sparse_dim: int | None = None

    def spec(self, site: Site) -> Template:
        if site.sources:
            raise site.fail("takes no sources, but has a 'from'")
        if self.dtype is not None and self.dtype not in DTYPES:
            raise site.fail(f"'dtype' must be one of {', '.join(DTYPES)}, found {self.dtype!r}")
        value = self._array(site)
        if self.shape is not None and value.ndim and value.shape != tuple(self.shape):
            raise site.fail(f"'value' has the shape {value.shape}, but 'shape' is {tuple(self.shape)}")
        if self.sparse_dim is not None and not np.issubdtype(value.dtype, np.integer):
            raise site.fail(f"class indices must be integers, but 'value' has dtype {value.dtype}")
        axes: list = [Batch] if self.with_batch_dim else []
        sizes = value.shape or tuple(self.shape or ())
        for size in sizes:
            axes.append(unused(size, axes))
        if sizes and self.sparse_dim is None:
            axes[-1] = Feature(sizes[-1])
        return Template(tuple(axes), str(value.dtype), self.sparse_dim)

    def _array(self, site: Site) -> np.ndarray:
        try:
            value = np.asarray(self.value)
            if not isinstance(self.value, np.ndarray | np.generic):
                value = value.astype({"f": "float32", "i": "int32"}.get(value.dtype.kind, value.dtype))
            value = value.astype(self.dtype or value.dtype)
        except (TypeError, ValueError):
            value = np.array(None)
        if value.dtype.kind not in "fiub":
            raise site.fail(f"'value' must be a number, an array or a list of numbers, found {self.value!r:.80}")
        return value

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        value = self._array(self.site(run))
        axes = [axis for axis in run.template.axes if axis != Batch]
        if value.ndim < len(axes):
            value = np.full([axis.known_size for axis in axes], value)
        return run.broadcast(run.tensor(tf.constant(value), axes, run.template), run.template)
