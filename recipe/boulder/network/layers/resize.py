"""`resize`: more or fewer frames, by interpolation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, DYNAMIC, Axis
from boulder.network.axis_names import find_axis
from boulder.network.further_sources import FurtherSources
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import resized
from boulder.network.site import Site
from boulder.network.taking import length_of, taken
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("resize")
@dataclass(frozen=True, kw_only=True)
class Resize(FurtherSources):
    """The input, sampled at other places along an axis. The place of entry i is i · old size / new size.

    RETURNN: ResizeLayer. It interpolates over the padded batch, so that a sequence's last frames depend on padding and, for a
    `factor` that is no int, all of them on the longest sequence; here a sequence gets the values that it has alone.

    :param factor: new size / old size, a number or a layer that gives one; the new size is rounded up, if it is no int
    :param axis: see `boulder.network.axis_names`
    :param kind: "nn", "nearest_neighbor": the entry before the place; "linear": between the entries before and after it;
        "cubic": Keys 1981, with a = -0.75; "fill": `factor` - 1 entries `fill_value` after each entry
    :param fill_dropout: only 0 or None: dropping entries at random is not supported
    :param fill_value: for class indices, a negative one counts from the number of classes
    """

    further: ClassVar[tuple[str, ...]] = ("factor",)

    factor: int | float | str
    axis: object
    kind: Literal["nn", "nearest_neighbor", "linear", "cubic", "fill"] = "nn"
    fill_value: float | None = None
    fill_dropout: Literal[0] | None = None

    def spec(self, site: Site) -> Template:
        template = self.site_of_input(site).input()
        axis = find_axis(template, self.axis, site)
        if axis.kind == BATCH or (axis.size is None and axis.kind not in DYNAMIC):
            raise site.fail(f"cannot resize axis {axis} of {template}")
        for name, factor in self.divided(site.sources)[1].values():
            if factor.axes or factor.dtype not in ("int32", "float32"):
                raise site.fail(f"'factor' must be a single int32 or float32, but {name!r} is {factor}")
            if axis.size is not None:
                raise site.fail(
                    f"'factor' must be a number for the axis {axis} of known size, found the layer {name!r}"
                )
        if not isinstance(self.factor, str) and self.factor <= 0:
            raise site.fail(f"'factor' must be above 0, found {self.factor}")
        if self.kind == "fill" and (not isinstance(self.factor, int) or self.factor < 2 or self.fill_value is None):
            raise site.fail("'kind' 'fill' needs an int 'factor' of at least 2 and a 'fill_value'")
        if self.kind in ("linear", "cubic") and not template.dtype.startswith("float"):
            raise site.fail(f"{self.kind!r} needs float values, but its input is {template}")
        return template.with_axis_replaced(axis, self._new(axis, template))

    def _new(self, axis: Axis, template: Template) -> Axis:
        if axis.size is not None and not isinstance(self.factor, str):
            return resized(axis, math.ceil(axis.size * self.factor), template)
        return axis.repeated(self.factor) if isinstance(self.factor, int) else axis.derived("resize", self.factor)

    @staticmethod
    def _count(n: TFTensor, factor: TFTensor | float) -> TFTensor:
        if isinstance(factor, int) or getattr(factor, "dtype", None) == tf.int32:
            return n * factor
        return tf.cast(tf.math.ceil(tf.cast(n, tf.float32) * factor), tf.int32)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        inputs, given = self.divided(sources)
        x, factor = run.input(inputs), given["factor"].value if given else self.factor
        axis = find_axis(x.template, self.axis, self.site(run))
        new = run.template.axes[x.template.axes.index(axis)]
        if axis.size is None:
            run.set_length_from(new, axis, lambda n: self._count(n, factor))
        read = Axis(axis.kind, axis.size, ("read", axis.origin))
        source, own = x.renamed({axis: read}, x.template), run.length_axes(axis) if axis.size is None else ()
        n = length_of(run, axis, own)[..., None]
        entry = tf.range(run.shape([new])[0]) + tf.zeros_like(n)

        def at(index: TFTensor, valid: TFTensor = None) -> Tensor:
            index = tf.clip_by_value(index, 0, tf.maximum(0, n - 1))
            valid = n + tf.zeros_like(index) > 0 if valid is None else valid
            fill = self._fill(x.template)
            return x.made(*taken(source, read, index, (*own, new), valid, fill), run.template)

        if self.kind == "fill":
            return at(entry // factor, (entry % factor == 0) & (n > 0))
        place = self._place(entry, n, factor)
        before = tf.cast(tf.floor(place), tf.int32)
        share = place - tf.floor(place)
        if self.kind in ("nn", "nearest_neighbor"):
            return at(before)
        weights = _linear(share) if self.kind == "linear" else _cubic(share)
        terms = []
        for offset, weight in weights.items():
            y = at(before + offset)
            terms.append(y.value * tf.cast(Tensor(weight, (*own, new), run.template).ordered(y.axes), y.value.dtype))
        return y.made(tf.add_n(terms), y.axes, run.template)

    def _fill(self, template: Template) -> float:
        value = self.fill_value or 0
        return value + template.sparse_dim if value < 0 and template.sparse_dim else value

    def _place(self, entry: TFTensor, n: TFTensor, factor: TFTensor | float) -> TFTensor:
        """:return: float32, place of each entry of the result among the `n` entries of the input"""
        old, new = tf.cast(n, tf.float32), tf.cast(tf.maximum(1, self._count(n, factor)), tf.float32)
        return tf.cast(entry, tf.float32) * (old / new)


def _linear(share: TFTensor) -> dict[int, TFTensor]:
    """
    :param share: distance of the place from the entry before it, 0 to 1
    :return: distance of an entry from the one before the place → its weight
    """
    return {0: 1 - share, 1: share}


def _cubic(share: TFTensor) -> dict[int, TFTensor]:
    """See `_linear`. TensorFlow's operation rounds the place to a 1024th."""
    share = tf.round(share * 1024) / 1024

    def near(d: TFTensor) -> TFTensor:  # d ≤ 1
        return (1.25 * d - 2.25) * d * d + 1

    def far(d: TFTensor) -> TFTensor:  # 1 ≤ d ≤ 2
        return ((-0.75 * d + 3.75) * d - 6) * d + 3

    return {-1: far(1 + share), 0: near(share), 1: near(1 - share), 2: far(2 - share)}
