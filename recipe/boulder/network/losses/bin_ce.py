"""`bin_ce`: binary cross-entropy of each feature, from logits."""

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE
from boulder.network.loss import loss_class
from boulder.network.losses.frames import FrameLoss, Frames, problem_of_frames
from boulder.network.template import Template


@loss_class("bin_ce")
@dataclass(frozen=True, kw_only=True)
class BinaryCrossEntropy(FrameLoss):
    """-y·log σ(x) - (1 - y)·log(1 - σ(x)), the mean over features, summed over frames. RETURNN: BinaryCrossEntropyLoss.

    The output x is a logit, so the layer has no sigmoid of its own. The target y is from 0 to 1; a target of one feature may
    also be class indices 0 and 1. The error is the fraction of features on the wrong side of 0.

    :param pos_weight: factor of the first term
    """

    pos_weight: float | None = None

    def output_dim(self, target: Template) -> int | None:
        return 1 if target.sparse_dim else target.dim

    def check(self, output: Template, target: Template) -> str | None:
        if target.sparse_dim not in (None, 2):
            return f"loss {self.class_name!r} needs a target of features or of two classes, found {target}"
        dense = None if target.sparse_dim else True
        return problem_of_frames(self.class_name, output, target, dense) or super().check(output, target)

    def of_frames(self, frames: Frames, target: Template) -> tuple[TFTensor, TFTensor]:
        y = tf.cast(frames.target, tf.float32)
        if not any(axis.kind == FEATURE for axis in target.axes):
            y = y[..., None]
        if self.pos_weight is None:
            cost = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=frames.output)
        else:
            cost = tf.nn.weighted_cross_entropy_with_logits(labels=y, logits=frames.output, pos_weight=self.pos_weight)
        wrong = tf.cast((frames.output > 0) != (y > 0.5), tf.float32)
        return tf.reduce_mean(cost, axis=-1), tf.reduce_mean(wrong, axis=-1)


@loss_class("sse_sigmoid")
@dataclass(frozen=True, kw_only=True)
class SseSigmoid(BinaryCrossEntropy):
    """`bin_ce` under an older name. RETURNN: BinaryCrossEntropyLoss."""
