"""`ce`: cross-entropy of each frame with its target class or target distribution; the error is the frame error."""

import math
from dataclasses import dataclass, replace
from typing import Literal

from boulder.lazy import TFTensor, tf
from boulder.network.loss import loss_class
from boulder.network.losses.frames import FrameLoss, Frames, problem_of_frames
from boulder.network.template import Template


@loss_class("ce")
@dataclass(frozen=True, kw_only=True)
class CrossEntropy(FrameLoss):
    """-log p(y) for a class y or, as its mean, a distribution in each frame. The error is the rate of wrong best classes.

    RETURNN: CrossEntropyLoss.

    With smoothing s, the target distribution is 1 - s for the class y and s / (n - 1) for each other of the n classes
    (Szegedy et al. 2016). Its entropy, the minimum of the cross-entropy, is subtracted.

    :param input_type: "logits" for an output without a softmax of its own
    :param label_smoothing: s in [0, 1); also applied when scoring
    :param label_smoothing_gaussian: the target distribution is instead the density at each class of a normal distribution around y
        with the standard deviation 1 - s, whose sum is not 1
    :param focal_loss_factor: γ: multiplies the cost by (1 - p(y))^γ (Lin et al. 2017)
    :param fake_upper_bound: highest cost of a frame; the gradient is that of the cost without it
    :param safe_log_opts: of an output without a softmax: its lowest probability `eps` (1e-20), and `use_fake_grad` (True): whether a
        lower one has a gradient. Without the option, it has none
    :param use_fused: has no effect: costs of a softmax are always computed from its input
    :param debug_dump: has no effect: RETURNN prints
    """

    input_type: Literal["prob", "logits"] = "prob"
    label_smoothing: float = 0.0
    label_smoothing_gaussian: bool = False
    focal_loss_factor: float = 0.0
    fake_upper_bound: float | None = None
    safe_log_opts: dict | None = None
    use_fused: bool = True
    debug_dump: bool = False

    def output_dim(self, target: Template) -> int | None:
        return target.dim

    def check(self, output: Template, target: Template) -> str | None:
        if not 0 <= self.label_smoothing < 1:
            return f"'label_smoothing' must be a number from 0 to below 1, found {self.label_smoothing}"
        for option, value in (self.safe_log_opts or {}).items():
            fits = isinstance(value, bool) if option == "use_fake_grad" else type(value) is float and 0 < value < 1
            if option not in ("eps", "use_fake_grad") or not fits:
                return f"'safe_log_opts' takes 'eps', from above 0 to below 1, and 'use_fake_grad', found {option!r}: {value!r}"
        if self.label_smoothing_gaussian and not self.label_smoothing:
            return "'label_smoothing_gaussian' needs 'label_smoothing', found 0"
        if (self.label_smoothing or self.focal_loss_factor) and target.sparse_dim is None:
            return f"'label_smoothing' and 'focal_loss_factor' need class indices as the target, found {target}"
        dense = None if target.feature else False
        return problem_of_frames("ce", output, target, dense) or super().check(output, target)

    def of_frames(self, frames: Frames, target: Template) -> tuple[TFTensor, TFTensor]:
        wrong = frames.wrong
        if self.input_type == "logits":
            frames = replace(frames, logits=frames.output, output=tf.nn.softmax(frames.output))
        cost = self._of_classes(frames) if target.sparse_dim else self._of_distributions(frames)
        if self.fake_upper_bound is not None:
            cost += tf.stop_gradient(tf.minimum(cost, self.fake_upper_bound) - cost)
        return cost, wrong

    def _log(self, p: TFTensor) -> TFTensor:
        if not self.safe_log_opts:
            return tf.math.log(tf.maximum(p, 1e-20))
        least = tf.maximum(p, self.safe_log_opts.get("eps", 1e-20))
        fake = self.safe_log_opts.get("use_fake_grad", True)
        return tf.math.log(p + tf.stop_gradient(least - p) if fake else least)

    def _of_distributions(self, frames: Frames) -> TFTensor:
        if frames.logits is not None:
            return tf.nn.softmax_cross_entropy_with_logits(labels=frames.target, logits=frames.logits)
        return -tf.reduce_sum(frames.target * self._log(frames.output), axis=-1)

    def _of_classes(self, frames: Frames) -> TFTensor:
        classes = tf.where(frames.mask, frames.target, 0)
        if self.label_smoothing:
            cost = self._smoothed(frames, classes)
        elif frames.logits is not None:
            cost = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=frames.logits)
        else:  # the probabilities are not renormalised
            cost = -self._log(_picked(frames.output, classes))
        if self.focal_loss_factor:
            cost *= (1 - _picked(frames.output, classes)) ** self.focal_loss_factor
        return cost

    def _smoothed(self, frames: Frames, classes: TFTensor) -> TFTensor:
        if frames.logits is not None:
            log_p = tf.nn.log_softmax(frames.logits)
        else:
            log_p = self._log(frames.output)
        n = frames.output.shape[-1]
        high, low = 1 - self.label_smoothing, self.label_smoothing / max(1, n - 1)
        least = -(high * tf.math.log(high) + (n - 1) * low * tf.math.log(low + 1e-20))
        if self.label_smoothing_gaussian:
            distance = tf.range(n) - tf.cast(classes, tf.int32)[..., None]
            density = tf.exp(-tf.square(tf.cast(distance, tf.float32) / high) / 2) / (high * math.sqrt(2 * math.pi))
            if frames.logits is not None:  # as in RETURNN, the gradient is the softmax minus the density
                return tf.nn.softmax_cross_entropy_with_logits(density, frames.logits) - least
            return -tf.reduce_sum(density * log_p, axis=-1) - least
        return -(high - low) * _picked(log_p, classes) - low * tf.reduce_sum(log_p, axis=-1) - least


def _picked(values: TFTensor, classes: TFTensor) -> TFTensor:
    """
    :param values: [..., classes]
    :param classes: [...]
    :return: [...], the entry of each frame's class
    """
    return tf.gather(values, classes, batch_dims=classes.shape.rank)
