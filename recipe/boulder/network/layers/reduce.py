"""`reduce`: sum, mean, maximum, … over axes; `reduce_out`: over groups of consecutive features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Literal

from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE, Axis, Feature
from boulder.network.axis_names import find_axes
from boulder.network.batch_normalization import valid
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.roles import unused, without_axes
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening, has_units
from boulder.network.widening.ways import keeps_axis


@layer_class("reduce")
@dataclass(frozen=True, kw_only=True)
class Reduce(ConcatLayer):
    """Sum, mean, maximum, … over axes, without the padding. The mean over no frames is 0.

    The sum or mean over the batch, of all replicas together, has all its frames: with the batch, time must be reduced. It
    makes the result for a sequence depend on the others. RETURNN: ReduceLayer, which takes other modes over the batch, too.

    :param mode: the reduction; "avg" is "mean"; "argmax" and "argmin" reduce a single axis to class indices
    :param axes: axes to reduce, see `boulder.network.axis_names`
    :param axis: the same under another name
    :param keep_dims: keep reduced axes with size 1
    :param enforce_batch_dim_axis: only 0 or None: an int in `axes` always counts the batch as axis 0
    :param use_time_mask: has no effect: padding is always masked
    """

    mode: Literal["sum", "max", "min", "mean", "avg", "logsumexp", "any", "all", "argmax", "argmin"]
    axes: object = None
    axis: object = None
    keep_dims: bool = False
    enforce_batch_dim_axis: int | None = None
    use_time_mask: bool | None = None

    def spec(self, site: Site) -> Template:
        template = site.input()
        if (self.axes is None) == (self.axis is None):
            raise site.fail("needs either 'axes' or 'axis'")
        if self.enforce_batch_dim_axis not in (None, 0):
            raise site.fail(f"'enforce_batch_dim_axis' must be 0, found {self.enforce_batch_dim_axis}")
        reduced = self._reduced(template, site)
        self._check_type(template, site)
        if template.batch in reduced:
            self._check_over_batch(template, reduced, site)
        if self._is_index and len(reduced) != 1:
            raise site.fail(f"{self.mode!r} needs a single axis, found {', '.join(map(str, reduced)) or 'none'}")
        result = self._kept(template, reduced) if self.keep_dims else without_axes(template, reduced)
        return self._indices(template, reduced, result) if self._is_index else result

    def _check_type(self, template: Template, site: Site) -> None:
        logical = self.mode in ("any", "all")
        if template.sparse_dim is not None:
            raise site.fail(f"class indices cannot be reduced, but its input is {template}")
        if logical != (template.dtype == "bool"):
            raise site.fail(f"{self.mode!r} needs {'bool' if logical else 'numbers'}, but its input is {template}")
        if self.mode in ("mean", "avg", "logsumexp") and not template.dtype.startswith("float"):
            raise site.fail(f"{self.mode!r} needs float values, but its input is {template}")

    def _check_over_batch(self, template: Template, reduced: tuple[Axis, ...], site: Site) -> None:
        if self.mode not in ("sum", "mean", "avg") or self.keep_dims or not template.dtype.startswith("float"):
            raise site.fail(
                f"over the batch there is only the 'sum' or 'mean' of floats, without 'keep_dims', found mode {self.mode!r} of {template}"
            )
        if site.loop is not None:
            raise site.fail(
                "cannot reduce the batch in a loop, whose number of frames differs; read the loop's output instead"
            )
        if left := [axis for axis in template.axes if axis.has_lengths and axis not in reduced]:
            raise site.fail(
                f"cannot reduce the batch without {left[0]}, whose lengths are those of its sequences; expected both in 'axes'"
            )

    @property
    def _is_index(self) -> bool:
        return self.mode.startswith("arg")

    def _reduced(self, template: Template, site: Site) -> tuple[Axis, ...]:
        return find_axes(template, self.axes if self.axis is None else self.axis, site)

    @staticmethod
    def _kept(template: Template, reduced: tuple[Axis, ...]) -> Template:
        axes = list(template.axes)
        for axis in reduced:
            axes[axes.index(axis)] = Feature(1) if axis.kind == FEATURE else unused(1, axes)
        return replace(template, axes=tuple(axes))

    @staticmethod
    def _indices(template: Template, reduced: tuple[Axis, ...], result: Template) -> Template:
        """
        :param result: `template` without the reduced axis
        :return: template of the indices; class indices without a feature axis if the reduced axis is static
        """
        size = reduced[0].size
        if size is None or template.feature not in reduced:
            return replace(result, dtype="int32", sparse_dim=None)
        axes = [a for a in template.axes if a not in reduced] if result.feature else result.axes
        return Template(tuple(axes), "int32", size)

    def widening(self, w: Widening) -> None:
        x = w.input()
        reduced = self._reduced(x.new, w.site())
        for axis in reduced:
            if self.mode in ("mean", "avg"):
                w.even(x.term(axis), f"takes the mean over the axis {axis.kind}")
            elif self.mode == "sum" and has_units(axis):
                w.multiply(w.sources, x.term(axis), 1.0, f"sums over the axis {axis.kind}")
            elif has_units(axis):
                keeps_axis(
                    w, x, axis, f"takes the {self.mode} over the axis {axis.kind}, in which replicas never differ"
                )
        kept = [axis for axis in x.new.axes if axis in reduced]
        outputs = w.output.units
        if self.keep_dims:
            rest = [
                (one, other)
                for one, other, axis in zip(x.terms, w.output.terms, x.new.axes, strict=True)
                if axis not in kept
            ]
        else:
            inputs = [
                term for axis, term in zip(x.new.axes, x.terms, strict=True) if term is not None and axis not in kept
            ]
            rest = list(zip(inputs, outputs, strict=self._is_index is False))
        for one, other in rest:
            w.tie(one, other)
        if self.mode in ("mean", "avg", "sum"):
            w.multiplied_with(w.sources)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        reduced = self._reduced(x.template, self.site(run))
        rest = [axis for axis in x.axes if axis not in reduced]
        order = [*rest, *reduced]
        value = x.ordered(order)
        if x.template.batch in reduced:
            return self._named(
                run, x, rest, reduced, self._over_batch(run, value, order, list(range(len(rest), len(order))))
            )
        dynamic = [axis for axis in reduced if axis.has_lengths]
        for axis in dynamic:
            value = tf.where(run.mask_over(order, axis), value, self._neutral(value.dtype))
        numbers = list(range(len(rest), len(order)))
        if dynamic and self._is_index:  # over no frame at all, TensorFlow fails
            at_end = tf.reshape(tf.cast(tf.equal(tf.shape(value)[-1:], 0), tf.int32), [1, 1])
            value = tf.pad(value, tf.pad(at_end, [[len(rest), 0], [1, 0]]))
        result = self._function(value, numbers)
        for axis in dynamic if self.mode in ("max", "min", "logsumexp") else ():
            some = tf.greater(run.length_over(rest, axis), 0)
            result = tf.where(
                some, result, self._neutral(result.dtype)
            )  # where no sequence has a frame, it is infinite
        if self.mode in ("mean", "avg"):
            count = float(prod(axis.known_size for axis in reduced if axis not in dynamic))
            for axis in dynamic:
                count = count * tf.cast(run.length_over(rest, axis), value.dtype)
            result = tf.math.divide_no_nan(result, count)
        return self._named(run, x, rest, reduced, result)

    def _over_batch(self, run: LayerRun, value: TFTensor, axes: list[Axis], numbers: list[int]) -> TFTensor:
        """
        :param axes: those of `value`
        :param numbers: positions of the reduced ones
        """
        inside = valid(run, axes)
        total = run.joint(tf.reduce_sum(tf.where(inside, value, 0), numbers))
        if self.mode == "sum":
            return total
        every = tf.broadcast_to(inside, tf.concat([[1] * numbers[0], tf.shape(value)[numbers[0] :]], 0))
        return tf.math.divide_no_nan(total, run.joint(tf.reduce_sum(tf.cast(every, value.dtype))))

    def _named(self, run: LayerRun, x: Tensor, rest: list[Axis], reduced: tuple[Axis, ...], result: TFTensor) -> Tensor:
        """:return: `result` with the axes that the spec half gave it"""
        own = [axis for axis in x.template.axes if axis not in reduced]
        if self.keep_dims:
            kept = self._kept(x.template, reduced)
            names = dict(zip(x.template.axes, kept.axes, strict=True))
            result = tf.reshape(result, tf.concat([tf.shape(result), [1] * len(reduced)], 0))
            return x.made(result, [names[axis] for axis in (*rest, *reduced)], run.template)
        left = without_axes(x.template, reduced)
        if self._is_index:
            left = self._indices(x.template, reduced, left)
        names = dict(zip(own, left.axes, strict=True))
        return x.made(result, [names[axis] for axis in rest], run.template)

    def _neutral(self, dtype: TFTensor) -> TFTensor:
        """:return: the neutral element of the reduction, for the padding"""
        if self.mode in ("max", "logsumexp", "argmax"):
            return tf.constant(dtype.min, dtype)
        if self.mode in ("min", "argmin"):
            return tf.constant(dtype.max, dtype)
        return tf.cast(self.mode == "all", dtype)

    def _function(self, value: TFTensor, axes: list[int]) -> TFTensor:
        if self._is_index:
            return getattr(tf, self.mode)(value, axis=axes[0], output_type=tf.int32)
        name = {"mean": "sum", "avg": "sum"}.get(self.mode, self.mode)
        return getattr(tf, f"reduce_{name}")(value, axis=axes)


@layer_class("reduce_out")
@dataclass(frozen=True, kw_only=True)
class ReduceOut(ConcatLayer):
    """y[i] = max(x[i·k], …, x[i·k + k - 1]) with k = num_pieces: maxout, Goodfellow et al. 2013. RETURNN: ReduceOutLayer.

    :param mode: the reduction
    :param num_pieces: number of features in a group
    """

    mode: Literal["max", "sum", "mean", "avg"]
    num_pieces: int

    def spec(self, site: Site) -> Template:
        template = site.input()
        dim = site.dense_dim(template)
        if self.num_pieces < 1 or dim % self.num_pieces:
            raise site.fail(f"'num_pieces' must divide the {dim} features of its input, found {self.num_pieces}")
        return template.with_axis_replaced(template.required(FEATURE), Feature(dim // self.num_pieces))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources).feature_last()
        value = tf.reshape(x.value, tf.concat([tf.shape(x.value)[:-1], [-1, self.num_pieces]], 0))
        name = {"avg": "mean"}.get(self.mode, self.mode)
        value = getattr(tf, f"reduce_{name}")(value, axis=-1)
        value.set_shape([*x.value.shape[:-1], run.template.dim])
        return x.made(value, (*x.axes[:-1], run.template.required(FEATURE)), run.template)
