"""Batch normalization, for the layer `batch_norm` and for the option `batch_norm` of all layers.

    y = (x - mean) / sqrt(variance + epsilon) · gamma + beta        for each feature

In training, mean and variance are those of the batch, and the running ones approach them: r ← r + momentum · (batch - r).
Outside of training, the running ones are used. Ioffe & Szegedy 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from boulder.lazy import TFTensor, tf
from boulder.network.axes import DYNAMIC, Axis
from boulder.network.initializers import Init
from boulder.network.layer import Layer
from boulder.network.layer_run import LayerRun
from boulder.network.option_parsing import parse
from boulder.network.params import variable_scope
from boulder.network.site import Site
from boulder.network.template import Template
from boulder.network.tensor import Tensor

_LEAST_EPSILON = 1.001e-5
"""TensorFlow's `fused_batch_norm` raises a smaller epsilon to this."""


@dataclass(frozen=True, kw_only=True)
class BatchNormalization:
    """
    The defaults are those of behavior version 0.

    :param use_shift: add beta
    :param use_std: multiply by gamma
    :param use_sample: share of the running mean and variance in training, from 0 to 1
    :param force_sample: use that share outside of training too, instead of 1
    :param momentum: share of the batch in the running mean and variance after an update
    :param epsilon: added to the variance
    :param update_sample_only_in_training: outside of training, use the running mean and variance as they are, not as the
        batch would change them
    :param delay_sample_update: use the running mean and variance as they were before this batch
    :param param_version: layout of the parameters in checkpoints: 0 and 1 have axes of size 1, 2 has the features alone; 0
        repeats the layer's name
    :param gamma_init: initializer of gamma
    :param beta_init: initializer of beta
    :param masked_time: with False, `param_version` 2, and the other options at their defaults, the running variance is that of
        a sample, N / (N - 1) times the variance, as in TensorFlow's `fused_batch_norm`. Padding never counts
    """

    use_shift: bool = True
    use_std: bool = True
    use_sample: float = 0.0
    force_sample: bool = False
    momentum: float = 0.99
    epsilon: float = 1e-3
    update_sample_only_in_training: bool = False
    delay_sample_update: bool = False
    param_version: Literal[0, 1, 2] = 0
    gamma_init: str | float | dict = 1.0
    beta_init: str | float | dict = 0.0
    masked_time: bool = True

    def declare(self, site: Site, template: Template) -> None:
        """
        Declares the parameters.

        :param template: template of the values to normalize
        :raises NetworkError: if they have no features, or an option is out of range
        """
        for option, value in (("use_sample", self.use_sample), ("momentum", self.momentum)):
            if not 0 <= value <= 1:
                raise site.fail(f"{option!r} must be a number from 0 to 1, found {value}")
        if self.epsilon < 0:
            raise site.fail(f"'epsilon' must be 0 or more, found {self.epsilon}")
        if template.feature is None or template.feature.size is None or template.dtype != "float32":
            raise site.fail(
                f"batch normalization needs float32 values with a feature axis of known size, found {template}"
            )
        n = template.feature.size
        inits: dict[str, Init] = {"mean": 0.0, "variance": 1.0}
        inits |= ({"gamma": self.gamma_init} if self.use_std else {}) | (
            {"beta": self.beta_init} if self.use_shift else {}
        )
        scope = "rec/batch_norm" if site.layer.class_name in ("rec", "rnn_cell") else "batch_norm"
        own = variable_scope(site.name.rpartition("/")[2])
        prefix = (f"{own}_{own}_output_", "", "v2_")[self.param_version]
        ones = (1,) * (0 if self.param_version == 2 else len(template.axes) - 1)
        parts = site.input_parts()
        parts = (
            parts if isinstance(site.layer, BatchNormalization) and sum(p.size for p in parts) == n else site.whole(n)
        )
        for name, init in inits.items():
            site.param(
                f"batch_norm/{name}",
                (*ones, n),
                init,
                variable=f"{scope}/{prefix}{name}",
                splits=(*map(site.whole, ones), parts),
                statistic=name in ("mean", "variance"),
                per_unit=bool(parts[0].label),
            )

    def apply(self, run: LayerRun, x: Tensor) -> Tensor:
        """:return: `x`, normalized, as if it were 0 in the padding; its logits and memory carry over"""
        x = replace(x.feature_last(), logits=x.logits, memory=x.memory) if x.axes[-1] != x.template.feature else x
        x = replace(x, value=tf.where(valid(run, x.axes[:-1])[..., None], x.value, 0))
        mean, variance = self._used(run, x)
        scale = tf.math.rsqrt(variance + self._epsilon)
        if self.use_std:
            scale *= self._param(run, "gamma")
        y = (x.value - mean) * scale
        if self.use_shift:
            y += self._param(run, "beta")
        return replace(x, value=y)

    def _used(self, run: LayerRun, x: Tensor) -> tuple[TFTensor, TFTensor]:
        """:return: mean and variance to normalize with, [features]; registers the updates of the running ones"""
        running = [self._param(run, name) for name in ("mean", "variance")]
        share = self.use_sample if run.train or self.force_sample else 1.0
        updates = run.train or not (self.update_sample_only_in_training or self._fused)
        if not updates and share == 1:
            return running[0], running[1]
        *own, count = statistics(run, x)
        shown = running
        if updates:
            seen = [own[0], own[1] * tf.math.divide_no_nan(count, count - 1)] if self._fused else own
            weight = tf.where(count > 0, self.momentum, 0.0)
            updated = [old + tf.stop_gradient(new - old) * weight for old, new in zip(running, seen, strict=True)]
            if run.train:
                for name, value in zip(("mean", "variance"), updated, strict=True):
                    run.update(f"batch_norm/{name}", value)
            if not (self.delay_sample_update or self._fused):
                shown = updated
        if share == 1:
            return shown[0], shown[1]
        mixed = [(1 - share) * new + share * old for new, old in zip(own, shown, strict=True)] if share else own
        return mixed[0], mixed[1]

    @property
    def _fused(self) -> bool:
        """:return: whether RETURNN uses TensorFlow's `fused_batch_norm`"""
        plain = self.use_shift and self.use_std and self.use_sample == 0 and not self.force_sample
        return self.param_version == 2 and not self.masked_time and plain

    @property
    def _epsilon(self) -> float:
        return max(self.epsilon, _LEAST_EPSILON) if self._fused else self.epsilon

    @staticmethod
    def _param(run: LayerRun, name: str) -> TFTensor:
        """:return: [features]"""
        return tf.reshape(run.param(f"batch_norm/{name}"), [-1])


def statistics(run: LayerRun, x: Tensor) -> tuple[TFTensor, TFTensor, TFTensor]:
    """
    :param x: with its feature axis last, and 0 in the padding
    :return: mean and variance of each feature over the frames of the joint batch of all replicas, [features]; number of frames
    """
    outer = x.axes[:-1]
    mask = valid(run, outer)
    axes = list(range(len(outer)))
    count = run.joint(tf.reduce_sum(tf.cast(tf.broadcast_to(mask, tf.shape(x.value)[:-1]), tf.float32)))
    mean = tf.math.divide_no_nan(run.joint(tf.reduce_sum(x.value, axes)), count)
    centred = tf.where(mask[..., None], x.value - mean, 0)
    variance = tf.math.divide_no_nan(run.joint(tf.reduce_sum(tf.square(centred), axes)), count)
    return mean, variance, count


def valid(run: LayerRun, axes: Sequence[Axis]) -> TFTensor:
    """:return: bool with the dimensions `axes`, or of size 1: False in the padding of any of them"""
    mask = tf.ones([1] * len(axes), tf.bool)
    for axis in axes:
        if axis.kind in DYNAMIC:
            mask &= run.mask_over(axes, axis)
    return mask


def option_of(layer: Layer, where: str) -> BatchNormalization | None:
    """
    :param where: the layer, for messages
    :return: batch normalization of the layer's output, by its option `batch_norm`
    :raises NetworkError: for a wrong option
    """
    if not layer.batch_norm:
        return None
    return parse(BatchNormalization, {} if layer.batch_norm is True else layer.batch_norm, f"{where}: 'batch_norm'")
