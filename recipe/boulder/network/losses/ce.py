"""`ce`: cross-entropy of each frame with its class; the error counts frames whose best class is another."""

from dataclasses import dataclass

from boulder.lazy import tf
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
        classes = target.ordered(target.template.axes)  # [B, T] or [B]
        axes = [*(a for a in output.template.axes if a.kind != "feature"), output.template.feature]
        logits = output.logits_ordered(axes)  # [B, T, classes] or [B, classes]
        if len(axes) == 3:
            run.check_same_lengths(axes[1], target.template.time)
            mask = run.mask(axes[1])  # [B, T]
        else:
            mask = tf.ones_like(classes, tf.float32)
        cost = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=logits)
        wrong = tf.cast(tf.argmax(logits, axis=-1, output_type=classes.dtype) != classes, tf.float32)
        return LossValue(tf.reduce_sum(tf.where(mask > 0, cost, 0.0)), tf.reduce_sum(wrong * mask), tf.reduce_sum(mask))
