"""`bin_ce`: binary cross-entropy of each feature, whose output is a logit, with a target from 0 to 1."""

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network.axes import FEATURE
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.losses.frames import frames_of, problem_of_frames
from boulder.network.template import Template


@loss_class("bin_ce")
@dataclass(frozen=True, kw_only=True)
class BinaryCrossEntropy(Loss):
    """
    A mean over features, a sum over frames. The output is a logit: a layer of it needs no activation "sigmoid". The error
    counts features on the wrong side of 0. A target of one feature may also be class indices, 0 or 1.
    (RETURNN: BinaryCrossEntropyLoss)

    :param pos_weight: factor of the cost where the target is 1
    """

    pos_weight: float | None = None

    def output_dim(self, target: Template) -> int | None:
        return 1 if target.sparse_dim else target.dim

    def check(self, output: Template, target: Template) -> str | None:
        if target.sparse_dim not in (None, 2):
            return f"loss 'bin_ce' needs a target of features or of two classes, found {target}"
        dense = None if target.sparse_dim else True
        return problem_of_frames("bin_ce", output, target, dense) or super().check(output, target)

    def compute(self, run, output, target) -> LossValue:
        frames = frames_of(run, output, target)
        y = tf.cast(frames.target, tf.float32)
        if not any(axis.kind == FEATURE for axis in target.template.axes):
            y = y[..., None]
        if self.pos_weight is None:
            cost = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=frames.output)
        else:
            cost = tf.nn.weighted_cross_entropy_with_logits(labels=y, logits=frames.output, pos_weight=self.pos_weight)
        wrong = tf.cast((frames.output > 0) != (y > 0.5), tf.float32)
        cost, wrong = (frames.sum(tf.reduce_mean(values, axis=-1)) for values in (cost, wrong))
        return LossValue(cost, wrong, frames.count)
