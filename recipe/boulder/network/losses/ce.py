"""`ce`: cross-entropy of each frame with its target class or target distribution; the error is the frame error."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from boulder.lazy import TFTensor, tf
from boulder.network.class_cross_entropy import class_cross_entropy
from boulder.network.loss import loss_class
from boulder.network.losses.frames import FrameLoss, Frames, problem_of_frames
from boulder.network.soft_labels import cross_entropy
from boulder.network.template import Template


@loss_class("ce")
@dataclass(frozen=True, kw_only=True)
class CrossEntropy(FrameLoss):
    """-log p(y) for a class y or, as its mean, a distribution in each frame. The error is the rate of wrong best classes.

    RETURNN: CrossEntropyLoss.

    With smoothing s, the target distribution is 1 - s for the class y and s / (n - 1) for each other of the n classes
    (Szegedy et al. 2016). Its entropy, the minimum of the cross-entropy, is subtracted.

    :param label_smoothing: s in [0, 1); also applied when scoring
    :param label_smoothing_gaussian: the target distribution is instead a normal one over the numbers of the classes, around y,
        with the standard deviation 1 - s
    :param input_type: "logits": the output is taken as logits, also that of a softmax
    :param use_fused: False: the logarithm of the output, as without a softmax
    :param safe_log_opts: {"eps": …, "use_fake_grad": …}: the least probability, where the logarithm is that of the output, and
        whether smaller ones keep their gradient
    :param debug_dump: has no effect
    :param focal_loss_factor: γ: multiplies the cost by (1 - p(y))^γ (Lin et al. 2017)
    :param fake_upper_bound: highest cost of a frame; the gradient is that of the cost without it
    """

    label_smoothing: float = 0.0
    label_smoothing_gaussian: bool = False
    input_type: Literal["prob", "logits"] = "prob"
    use_fused: bool = True
    safe_log_opts: dict | None = None
    debug_dump: bool = False
    focal_loss_factor: float = 0.0
    fake_upper_bound: float | None = None

    def output_dim(self, target: Template) -> int | None:
        return target.dim

    def check(self, output: Template, target: Template) -> str | None:
        if not 0 <= self.label_smoothing < 1:
            return f"'label_smoothing' must be a number from 0 to below 1, found {self.label_smoothing}"
        if (self.label_smoothing or self.focal_loss_factor) and target.sparse_dim is None:
            return f"'label_smoothing' and 'focal_loss_factor' need class indices as the target, found {target}"
        for option, value in (self.safe_log_opts or {}).items():
            known = {"eps": float, "use_fake_grad": bool}
            if not isinstance(value, known.get(option, ())):
                return f"'safe_log_opts' takes 'eps', a float, and 'use_fake_grad', True or False, found {{{option!r}: {value!r}}}"
        if self.input_type == "logits" and not self.use_fused:
            return "'input_type' 'logits' needs 'use_fused', found False"
        dense = None if target.feature else False
        return problem_of_frames("ce", output, target, dense) or super().check(output, target)

    def of_frames(self, frames: Frames, target: Template) -> tuple[TFTensor, TFTensor]:
        frames = self._with_logits(frames)
        cost = self._of_classes(frames) if target.sparse_dim else self._of_distributions(frames)
        if self.fake_upper_bound is not None:
            cost += tf.stop_gradient(tf.minimum(cost, self.fake_upper_bound) - cost)
        return cost, frames.wrong

    def _with_logits(self, frames: Frames) -> Frames:
        if self.input_type == "logits":
            return replace(frames, logits=frames.output, output=tf.nn.softmax(frames.output))
        return frames if self.use_fused else replace(frames, logits=None)

    def _log(self, probability: TFTensor, **options: float) -> TFTensor:
        """:param options: in place of those of `safe_log_opts`"""
        given: dict = {"eps": 1e-20, "use_fake_grad": True} | (self.safe_log_opts or {}) | options
        large = tf.maximum(probability, given["eps"])
        if given["use_fake_grad"]:
            large = probability + tf.stop_gradient(large - probability)
        return tf.math.log(large)

    def _of_distributions(self, frames: Frames) -> TFTensor:
        if frames.logits is not None:
            return cross_entropy(frames.target, frames.logits)
        return -tf.reduce_sum(frames.target * self._log(frames.output), axis=-1)

    def _of_classes(self, frames: Frames) -> TFTensor:
        classes = tf.where(frames.mask, frames.target, 0)
        if self.label_smoothing:
            cost = self._smoothed(frames, classes)
        elif frames.logits is not None:
            cost = class_cross_entropy(classes, frames.logits)
        else:  # the probabilities are not renormalised
            cost = -self._log(_picked(frames.output, classes))
        if self.focal_loss_factor:
            cost *= (1 - _picked(frames.output, classes)) ** self.focal_loss_factor
        return cost

    def _smoothed(self, frames: Frames, classes: TFTensor) -> TFTensor:
        n = frames.output.shape[-1]
        high, low = 1 - self.label_smoothing, self.label_smoothing / max(1, n - 1)
        least = -(high * tf.math.log(high) + (n - 1) * low * tf.math.log(low + 1e-20))
        density = _gaussian(classes, n, high) if self.label_smoothing_gaussian else None
        if density is not None and frames.logits is not None:
            return cross_entropy(density, frames.logits) - least
        if frames.logits is not None:
            log_p = tf.nn.log_softmax(frames.logits)
        else:
            log_p = self._log(frames.output, eps=1e-20, use_fake_grad=True)
        if density is not None:
            return -tf.reduce_sum(density * log_p, axis=-1) - least
        return -(high - low) * _picked(log_p, classes) - low * tf.reduce_sum(log_p, axis=-1) - least


def _gaussian(classes: TFTensor, n: int, deviation: float) -> TFTensor:
    """
    :param classes: int32 [...]
    :param n: number of classes
    :return: float32 [..., n], density of a normal distribution around each class, whose sum over the classes is not 1
    """
    distance = tf.cast(tf.range(n) - classes[..., None], tf.float32) / deviation
    return tf.exp(-0.5 * distance**2) / (deviation * math.sqrt(2 * math.pi))


def _picked(values: TFTensor, classes: TFTensor) -> TFTensor:
    """
    :param values: [..., classes]
    :param classes: [...]
    :return: [...], the entry of each frame's class
    """
    return tf.gather(values, classes, batch_dims=classes.shape.rank)
