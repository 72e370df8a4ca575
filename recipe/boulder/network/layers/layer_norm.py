"""`layer_norm`: normalizes the features of each frame to mean 0 and variance 1, then scales and shifts them."""

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
        return x.mapped(lambda value: normalized(value, self.epsilon) * run.param("scale") + run.param("bias"))


def normalized(x: TFTensor, epsilon: float) -> TFTensor:
    """:return: (x - mean) / sqrt(variance + epsilon), with mean and variance over the last axis"""
    centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
    variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
    return centred * tf.math.rsqrt(variance + epsilon)
