"""`ce`: cross-entropy of each frame with its class; the error counts frames whose best class is another."""

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network.axes import Batch
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.template import Template


@loss_class("ce")
@dataclass(frozen=True, kw_only=True)
class CrossEntropy(Loss):
    def output_dim(self, target: Template) -> int | None:
        return target.dim

    def check(self, output: Template, target: Template) -> str | None:
        if target.sparse_dim is None:
            return f"loss 'ce' needs class indices as its target, found {target}"
        if (output.time is None) != (target.time is None):
            return f"loss 'ce' compares frame by frame, but the output is {output} and the target {target}"
        return super().check(output, target)

    def compute(self, run, output, target) -> LossValue:
        time, feature = output.template.time, output.template.feature
        classes = target.ordered(target.template.axes)  # [B, T] or [B]
        if time:
            run.check_same_lengths(time, target.template.time)
            mask = run.mask(time)  # [B, T]
        else:
            mask = tf.ones_like(classes, tf.float32)
        axes = (Batch, time, feature) if time else (Batch, feature)
        scores = output.ordered(axes)  # [B, T, classes] or [B, classes]
        if output.logits is not None:
            logits = output.ordered(axes, output.logits)
            cost = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=logits)
        else:  # of probabilities as they are, also where they do not add up to 1
            inside = tf.where(mask > 0, classes, 0)
            cost = -tf.math.log(tf.maximum(tf.gather(scores, inside, batch_dims=len(axes) - 1), 1e-20))
        wrong = tf.cast(tf.argmax(scores, axis=-1, output_type=classes.dtype) != classes, tf.float32)
        return LossValue(_sum(cost, mask), _sum(wrong, mask), tf.reduce_sum(mask))


def _sum(values, mask):
    return tf.reduce_sum(tf.where(mask > 0, values, 0.0))
