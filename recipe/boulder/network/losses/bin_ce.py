"""`bin_ce`: binary cross-entropy of each feature, from logits."""

from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import tf
from boulder.network.axes import FEATURE
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.losses.frames import frames_of, problem_of_frames
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@loss_class("bin_ce")
@dataclass(frozen=True, kw_only=True)
class BinaryCrossEntropy(Loss):
    """-y·log σ(x) - (1 - y)·log(1 - σ(x)), the mean over features, summed over frames. RETURNN: BinaryCrossEntropyLoss.

    The output x is a logit, so the layer has no sigmoid of its own. The target y is from 0 to 1; a target of one feature may
    also be class indices 0 and 1. The error is the fraction of features on the wrong side of 0.

    :param pos_weight: factor of the first term
    """

    is_framewise: ClassVar[bool] = True
    pos_weight: float | None = None

    def output_dim(self, target: Template) -> int | None:
        return 1 if target.sparse_dim else target.dim

    def check(self, output: Template, target: Template) -> str | None:
        if target.sparse_dim not in (None, 2):
            return f"loss {self.class_name!r} needs a target of features or of two classes, found {target}"
        dense = None if target.sparse_dim else True
        return problem_of_frames(self.class_name, output, target, dense) or super().check(output, target)

    def compute(self, run: LayerRun, output: Tensor, target: Tensor) -> LossValue:
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


@loss_class("sse_sigmoid")
@dataclass(frozen=True, kw_only=True)
class SseSigmoid(BinaryCrossEntropy):
    """`bin_ce` under an older name. RETURNN: BinaryCrossEntropyLoss."""
