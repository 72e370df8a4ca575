"""`layer_norm`: normalizes the features of each frame to mean 0 and variance 1, then scales and shifts them."""

from collections.abc import Callable
from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.concat_layer import ConcatLayer
from boulder.network.layer import layer_class
from boulder.network.layer_run import LayerRun
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor
from boulder.network.widening.site import Widening
from boulder.network.widening.ways import passes


@layer_class("layer_norm")
@dataclass(frozen=True, kw_only=True)
class LayerNorm(ConcatLayer):
    """y = (x - mean) / sqrt(variance + epsilon) · scale + bias. Ba, Kiros & Hinton 2016. RETURNN: LayerNormLayer.

    Parameters: scale, bias [features].

    :param epsilon: added to the variance
    """

    epsilon: float = 1e-6

    def spec(self, site: Site) -> Template:
        template = site.input()
        n = site.dense_dim(template)
        if self.epsilon < 0:
            raise site.fail(f"'epsilon' must be 0 or more, found {self.epsilon}")
        parts = site.input_parts()
        splits = (parts,) if sum(part.size for part in parts) == n else ()
        site.param("scale", (n,), 1.0, splits=splits)
        site.param("bias", (n,), 0.0, splits=splits)
        return template

    def widening(self, w: Widening) -> None:
        x = passes(w)
        w.even(x.feature, "normalizes over its features")
        for name in ("scale", "bias"):
            w.param(name, x.feature)

    def compute(self, run: LayerRun, *sources: Tensor) -> Tensor:
        x = run.input(sources).feature_last()
        scale, bias = (tf.convert_to_tensor(run.param(name)) for name in ("scale", "bias"))
        return x.mapped(lambda value: normalized(value, scale, bias, self.epsilon))


def normalized(x: TFTensor, scale: TFTensor, bias: TFTensor, epsilon: float) -> TFTensor:
    """
    With n = (x - mean) / σ, the gradient of x for that of the result, g, is

        (g·scale - mean(g·scale) - n · mean(g·scale·n)) / σ

    which takes fewer operations than TensorFlow derives, and keeps n alone.

    :param x: [..., F]
    :param scale: [F]
    :param bias: [F]
    :return: n · scale + bias, with mean and σ = √(variance + epsilon) over the last axis
    """

    @tf.custom_gradient
    def function(
        x: TFTensor, scale: TFTensor, bias: TFTensor
    ) -> tuple[TFTensor, Callable[[TFTensor], tuple[TFTensor, TFTensor, TFTensor]]]:
        centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
        inverse = tf.math.rsqrt(tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True) + epsilon)
        n = centred * inverse

        def gradient(g: TFTensor) -> tuple[TFTensor, TFTensor, TFTensor]:
            of_scale, of_n = g * n, g * scale
            along = tf.reduce_mean(of_scale * scale, axis=-1, keepdims=True)
            of_x = (of_n - tf.reduce_mean(of_n, axis=-1, keepdims=True) - n * along) * inverse
            return of_x, _over_frames(of_scale), _over_frames(g)

        return n * scale + bias, gradient

    return function(x, scale, bias)


def _over_frames(x: TFTensor) -> TFTensor:
    """:return: [F], the sum over all other axes of [..., F]; TensorFlow sums faster over one axis"""
    return tf.reduce_sum(tf.reshape(x, [-1, x.shape[-1]]), axis=0)
