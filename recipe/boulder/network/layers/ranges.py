"""`range` and `range_from_length`: ascending numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from boulder.lazy import tf
from boulder.network.axes import TIME, Axis, Feature, Spatial
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.made_axis import MakesAxis
from boulder.network.site import Site
from boulder.network.taking import without_padding
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("range")
@dataclass(frozen=True, kw_only=True)
class Range(MakesAxis):
    """The numbers start, start + delta, … before `limit`, along an axis of their own. RETURNN: RangeLayer.

    :param limit: the end, which is not among the numbers
    :param start: the first number
    :param delta: distance of two numbers
    :param dtype: of the numbers; None: int32, or float32 if a number is not whole
    :param sparse: whether the numbers are class indices
    """

    sources: str | list[str] = field(default_factory=list)
    limit: float
    start: float = 0
    delta: float = 1
    dtype: Literal["int32", "int64", "float32"] | None = None
    sparse: bool = False

    def spec(self, site: Site) -> Template:
        if site.sources:
            raise site.fail(f"takes no source, found {len(site.sources)}")
        if self.delta == 0 or self._count < 1:
            raise site.fail(f"has no numbers from {self.start} to {self.limit} in steps of {self.delta}")
        whole = all(float(number).is_integer() for number in (self.start, self.limit, self.delta))
        dtype = self.dtype or ("int32" if whole else "float32")
        if self.sparse and not dtype.startswith("int"):
            raise site.fail(f"class indices must be integers, found {dtype}")
        axis = Spatial(self._count) if self.sparse else Feature(self._count)
        return Template((axis,), dtype, self._count if self.sparse else None)

    @property
    def _count(self) -> int:
        return math.ceil((self.limit - self.start) / self.delta)

    def compute(self, run: LayerRun) -> Tensor:
        numbers = [self.start + self.delta * i for i in range(self._count)]
        return run.tensor(tf.constant(numbers, run.template.dtype), run.template.axes, run.template)


@layer_class("range_from_length")
@dataclass(frozen=True, kw_only=True)
class RangeFromLength(MakesAxis):
    """The numbers 0, 1, … along a new time axis whose lengths are the input. RETURNN: RangeFromLengthLayer.

    :param dtype: of the numbers
    :param sparse: only False
    """

    dtype: Literal["int32", "int64", "float32"] = "int32"
    sparse: Literal[False] = False

    def spec(self, site: Site) -> Template:
        name, lengths = site.only_source()
        if not lengths.dtype.startswith("int") or lengths.feature:
            raise site.fail(f"needs ints without a feature axis, but its input {name!r} is {lengths}")
        return Template((Axis(TIME, None, ("of length", name)),), self.dtype)

    def compute(self, run: LayerRun, lengths: Tensor) -> Tensor:
        (axis,) = run.template.axes
        lengths = without_padding(run, lengths)
        run.set_length(axis, tf.cast(lengths.value, tf.int32), lengths.axes)
        return run.tensor(tf.range(run.frames(axis), dtype=self.dtype), (axis,), run.template)
