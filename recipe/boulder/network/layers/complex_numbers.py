"""`alternating_real_to_complex` and `complex_to_alternating_real`: complex numbers as pairs of features."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boulder.lazy import tf
from boulder.network.axes import FEATURE, Feature
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@layer_class("alternating_real_to_complex")
@dataclass(frozen=True, kw_only=True)
class AlternatingRealToComplex(ConcatLayer):
    """Features 2i and 2i + 1 become the complex number i. RETURNN: AlternatingRealToComplexLayer."""

    def spec(self, site: Site) -> Template:
        template = site.input()
        if site.dense_dim(template) % 2:
            raise site.fail(f"needs an even number of features, but its input is {template}")
        return replace(template.with_feature(template.required(FEATURE).known_size // 2), dtype="complex64")

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources).feature_last()
        value = tf.complex(x.value[..., ::2], x.value[..., 1::2])
        return x.made(value, (*x.axes[:-1], run.template.required(FEATURE)), run.template)


@layer_class("complex_to_alternating_real")
@dataclass(frozen=True, kw_only=True)
class ComplexToAlternatingReal(ConcatLayer):
    """The complex number i becomes features 2i and 2i + 1. RETURNN: ComplexToAlternatingRealLayer."""

    def spec(self, site: Site) -> Template:
        template = site.input()
        if template.dtype != "complex64" or template.feature is None or template.feature.size is None:
            raise site.fail(f"needs complex64 values with a feature axis of known size, but its input is {template}")
        return replace(
            template.with_axis_replaced(template.feature, Feature(2 * template.feature.size)), dtype="float32"
        )

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources).feature_last()
        pairs = tf.stack([tf.math.real(x.value), tf.math.imag(x.value)], -1)
        value = tf.reshape(pairs, tf.concat([tf.shape(x.value)[:-1], [run.template.dim]], 0))
        value = tf.ensure_shape(value, [*x.value.shape[:-1], run.template.dim])
        return x.made(value, (*x.axes[:-1], run.template.required(FEATURE)), run.template)
