"""`norm`, `math_norm` and `batch_softmax`: normalization over axes of each sequence, and the p-norm along axes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, DYNAMIC, FEATURE, TIME, Axis
from boulder.network.axis_names import find_axes, find_axis
from boulder.network.batch_normalization import valid
from boulder.network.concat_layer import ConcatLayer
from boulder.network.input_dropout import InputDropout
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.layers.reduce import Reduce
from boulder.network.masked_softmax import masked_softmax
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import keeps_axis, passes


@layer_class("norm")
@dataclass(frozen=True, kw_only=True)
class Norm(ConcatLayer):
    """Normalizes to mean 0 and variance 1 over some axes of each sequence, without the padding, then scales and shifts.

    RETURNN: NormLayer, which counts the padding, and can normalize over the batch.

    Parameters: scale, bias [sizes of `param_shape`].

    :param axes: the axes, see `boulder.network.axis_names`
    :param axis: the same under another name
    :param param_shape: static axes of the parameters; None: the feature axis
    :param scale: multiply by a parameter
    :param bias: add a parameter
    :param epsilon: added to the variance
    """

    axes: object = None
    axis: object = None
    param_shape: object = None
    scale: bool = True
    bias: bool = True
    epsilon: float = 1e-6

    def spec(self, site: Site) -> Template:
        template = site.input()
        site.dense_dim(template)
        self._normalized(template, site)
        if self.epsilon < 0:
            raise site.fail(f"'epsilon' must be 0 or more, found {self.epsilon}")
        if not (self.scale or self.bias):
            return template
        axes, parts = self._of_params(template, site), site.input_parts()
        shape = tuple(axis.known_size for axis in axes)
        own = [
            parts if a.kind == FEATURE and sum(p.size for p in parts) == a.size else site.whole(a.known_size)
            for a in axes
        ]
        for name, wanted, init in (("scale", self.scale, 1.0), ("bias", self.bias, 0.0)):
            if wanted:
                site.param(name, shape, init, splits=tuple(own))
        return template

    def _normalized(self, template: Template, site: Site) -> tuple[Axis, ...]:
        if (self.axes is None) == (self.axis is None):
            raise site.fail("needs either 'axes' or 'axis'")
        axes = find_axes(template, self.axes if self.axis is None else self.axis, site)
        if BATCH in {axis.kind for axis in axes}:
            raise site.fail(f"cannot normalize over the batch, found {', '.join(map(str, axes))}; see 'batch_norm'")
        return axes

    def _of_params(self, template: Template, site: Site) -> list[Axis]:
        names = "F" if self.param_shape is None else self.param_shape
        axes = [find_axis(template, name, site) for name in (names if isinstance(names, list | tuple) else [names])]
        if len(set(axes)) < len(axes) or any(axis.size is None for axis in axes):
            raise site.fail(f"'param_shape' must name different static axes of {template}, found {self.param_shape!r}")
        return axes

    def widening(self, w: Widening) -> None:
        x, site = passes(w), w.site()
        for axis in self._normalized(x.new, site):
            w.even(x.term(axis), f"normalizes over the axis {axis.kind}")
        for name in ("scale", "bias"):
            if getattr(self, name):
                w.param(name, *(x.term(axis) for axis in self._of_params(x.new, site)))

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x, site = run.input(sources), self.site(run)
        reduced = self._normalized(x.template, site)
        numbers = [x.axes.index(axis) for axis in reduced]
        mask = valid(run, x.axes)
        value = tf.where(mask, x.value, 0)
        count = tf.constant(float(prod(axis.known_size for axis in reduced if axis.kind not in DYNAMIC)))
        for axis in reduced:
            if axis.kind in DYNAMIC:
                length = run.length_over([a for a in x.axes if a != axis], axis)
                count *= tf.cast(tf.expand_dims(length, x.axes.index(axis)), tf.float32)
        mean = tf.math.divide_no_nan(tf.reduce_sum(value, numbers, keepdims=True), count)
        centred = tf.where(mask, value - mean, 0)
        variance = tf.math.divide_no_nan(tf.reduce_sum(tf.square(centred), numbers, keepdims=True), count)
        y = x.made(centred * tf.math.rsqrt(variance + self.epsilon), x.axes, x.template)
        axes = tuple(self._of_params(x.template, site))
        if self.scale:
            scale = run.tensor(run.param("scale"), axes, Template(axes)).ordered(x.axes)
            y = y.mapped(lambda value: value * scale)
        if self.bias:
            bias = run.tensor(run.param("bias"), axes, Template(axes)).ordered(x.axes)
            y = y.mapped(lambda value: value + bias)
        return y


@layer_class("math_norm")
@dataclass(frozen=True, kw_only=True)
class MathNorm(ConcatLayer):
    """(Σ |x|^p)^(1/p) along axes, without the padding. RETURNN: MathNormLayer, whose gradient is NaN where all entries are 0.

    :param p: the exponent
    :param axes: the axes, see `boulder.network.axis_names`
    :param axis: the same under another name
    :param keep_dims: keep reduced axes with size 1
    """

    p: float
    axes: object = None
    axis: object = None
    keep_dims: bool = False

    @property
    def _sum(self) -> Reduce:
        return Reduce(mode="sum", axes=self.axes, axis=self.axis, keep_dims=self.keep_dims)

    def spec(self, site: Site) -> Template:
        site.dense_dim(site.input())
        if self.p <= 0:
            raise site.fail(f"'p' must be above 0, found {self.p}")
        return self._sum.spec(site)

    def widening(self, w: Widening) -> None:
        x = w.input()
        reduced = find_axes(x.new, self.axes if self.axis is None else self.axis, w.site())
        for axis in reduced:
            keeps_axis(w, x, axis, f"takes the norm over the axis {axis.kind}, which counts each replica")
        if not self.keep_dims:
            w.tie_in_order(x, reduced)
            return
        for axis, term, made in zip(x.new.axes, x.terms, w.output.terms, strict=True):
            if axis not in reduced:
                w.tie(term, made)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        powers = x.mapped(lambda value: _power(tf.abs(value), self.p))
        total = self._sum.compute(replace(run, dropout=InputDropout()), powers)
        return total.mapped(lambda value: _power(value, 1 / self.p))


def _power(value: TFTensor, exponent: float) -> TFTensor:
    """:return: `value` ** `exponent` for `value` ≥ 0; the gradient at 0 is 0"""
    positive = value > 0
    return tf.where(positive, tf.pow(tf.where(positive, value, 1), exponent), 0)


@layer_class("batch_softmax")
@dataclass(frozen=True, kw_only=True)
class BatchSoftmax(ConcatLayer):
    """Softmax over all frames and features of a sequence together, without the padding. RETURNN: BatchSoftmaxLayer."""

    def spec(self, site: Site) -> Template:
        template = site.input()
        site.dense_dim(template)
        if template.time is None:
            raise site.fail(f"needs a time axis, but its input is {template}")
        return template

    def widening(self, w: Widening) -> None:
        w.keep(passes(w).feature, "is a softmax over all its units")

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources)
        inner = [x.template.required(TIME), x.template.required(FEATURE)]
        axes = [*(axis for axis in x.axes if axis not in inner), *inner]
        value = x.ordered(axes)
        mask = tf.broadcast_to(run.mask_over(axes, inner[0]), tf.shape(value))
        flat = tf.concat([tf.shape(value)[:-2], [-1]], 0)
        y = tf.reshape(masked_softmax(tf.reshape(value, flat), tf.reshape(mask, flat)), tf.shape(value))
        return x.made(tf.ensure_shape(y, value.shape), axes, run.template)
