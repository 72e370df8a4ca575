"""`constant`: a constant given in the net dict."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from boulder.lazy import tf
from boulder.network.axes import BATCH, Axis, Batch, Feature
from boulder.network.dims import NetDim, sizes_of
from boulder.network.extra_deps import names_in
from boulder.network.layer import Layer, layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import unused
from boulder.network.site import Site
from boulder.network.template import DTYPES, Template
from boulder.network.tensor import Tensor


@layer_class("constant")
@dataclass(frozen=True, kw_only=True)
class Constant(Layer):
    """A number or an array. The last axis is the feature axis, unless the values are class indices. RETURNN: ConstantLayer.

    :param value: number, array, or (nested) list of numbers
    :param shape: sizes or `Dim`s, the batch only as a `Dim`; a number is broadcast to it, the shape of an array must equal it
    :param shape_deps: layers that define `Dim`s in `shape`
    :param dtype: "float32", "int32", "bool", …; None: the dtype of `value`, where Python floats are "float32"
    :param with_batch_dim: add a batch axis
    :param feature_dim: `Dim` of the feature axis, which must be the last axis
    :param sparse_dim: number of classes, if the values are class indices
    """

    sources: str | list[str] = field(default_factory=list)
    value: object = 0.0
    shape: list[int | NetDim] | None = None
    dtype: str | None = None
    with_batch_dim: bool = False
    sparse_dim: int | None = None
    feature_dim: NetDim | None = None
    shape_deps: str | list[str] | None = None

    def initializer(self) -> str | float | None:
        value = np.asarray(self.value)
        return f"values(values={value.tolist()!r})" if value.ndim else float(value)

    def source_names(self) -> tuple[str, ...]:
        return (*super().source_names(), *names_in(self.shape_deps))

    def spec(self, site: Site) -> Template:
        if super().source_names():
            raise site.fail("takes no sources, but has a 'from'")
        if self.dtype is not None and self.dtype not in DTYPES:
            raise site.fail(f"'dtype' must be one of {', '.join(DTYPES)}, found {self.dtype!r}")
        value = self._array(site)
        shape = [dim for dim in self.shape or () if not (isinstance(dim, NetDim) and dim.kind == BATCH)]
        given = tuple(sizes_of(shape))
        times = [
            dim.axis if isinstance(dim, NetDim) and size is None else None
            for dim, size in zip(shape, given, strict=True)
        ]
        if any(size is None and time is None for size, time in zip(given, times, strict=True)):
            raise site.fail(f"'shape' must have static sizes, or Dims that are defined, found {self.shape!r}")
        if self.shape is not None and value.ndim and value.shape != given:
            raise site.fail(f"'value' has the shape {value.shape}, but 'shape' is {given}")
        if self.sparse_dim is not None and not np.issubdtype(value.dtype, np.integer):
            raise site.fail(f"class indices must be integers, but 'value' has dtype {value.dtype}")
        if self.feature_dim and (not shape or shape[-1] is not self.feature_dim):
            raise site.fail(f"'feature_dim' must be the last of 'shape', found {self.feature_dim}")
        with_batch = self.with_batch_dim or len(shape) < len(self.shape or ())
        axes: list = [Batch] if with_batch else []
        sizes = value.shape or given
        for size, time in zip(sizes, times or [None] * len(sizes), strict=True):
            axes.append(time or unused(size, axes))
        if sizes and sizes[-1] is not None and self.sparse_dim is None:
            axes[-1] = Feature(sizes[-1])
        return Template(tuple(axes), str(value.dtype), self.sparse_dim)

    def named_axes(self, site: Site, output: Template) -> list[tuple[NetDim, Axis | None]]:
        dims = [dim for dim in self.shape or () if not (isinstance(dim, NetDim) and dim.kind == BATCH)]
        axes = zip(dims, [axis for axis in output.axes if axis != Batch], strict=False)
        return [(dim, axis) for dim, axis in axes if isinstance(dim, NetDim)]

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
        axes = [axis for axis in run.template.axes if axis != Batch] if value.ndim else []
        number = replace(run.template, axes=tuple(axes))
        return run.broadcast(run.tensor(tf.constant(value), axes, number), run.template)
