"""`ctc`: connectionist temporal classification (Graves et al. 2006), the sum over all alignments of the target.

The blank is the last class, as in RETURNN and in TensorFlow's op. The error is the edit distance of the best path.
A sequence whose target is too long for its output has no alignment, and a cost of infinity. It is left out, of the cost,
the error and the frames (RETURNN stops with an error of TensorFlow's there).
"""

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network.axes import Batch
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.template import Template


@loss_class("ctc")
@dataclass(frozen=True, kw_only=True)
class Ctc(Loss):
    def output_dim(self, target: Template) -> int | None:
        return target.dim + 1 if target.dim else None

    def check(self, output: Template, target: Template) -> str | None:
        if target.sparse_dim is None or target.time is None:
            return f"loss 'ctc' needs a sequence of class indices as its target, found {target}"
        if output.time is None:
            return f"loss 'ctc' needs a time axis, but the output is {output}"
        return super().check(output, target)

    def compute(self, run, output, target) -> LossValue:
        time, target_time = output.template.time, target.template.time
        logits = output.logits_ordered((time, Batch, output.template.feature))  # [T, B, classes + 1]
        labels, mask = target.ordered(target.template.axes), run.mask(target_time)  # both [B, N]
        possible = _frames_needed(labels, mask) <= tf.cast(run.length(time), tf.float32)  # [B]
        mask = tf.where(possible[:, None], mask, 0.0)
        sparse = _sparse(labels, mask)
        cost = tf.compat.v1.nn.ctc_loss(sparse, logits, run.length(time), time_major=True)
        (best,), _ = tf.nn.ctc_greedy_decoder(logits, run.length(time), merge_repeated=True)
        wrong = tf.edit_distance(tf.cast(best, labels.dtype), sparse, normalize=False)
        return LossValue(_sum(cost, possible), _sum(wrong, possible), tf.reduce_sum(mask))


def _frames_needed(labels, mask):
    """:return: float32 [B], frames that an alignment needs: one for each label, and a blank between two that are equal"""
    repeats = tf.cast(labels[:, 1:] == labels[:, :-1], tf.float32) * mask[:, 1:]
    return tf.reduce_sum(mask, axis=1) + tf.reduce_sum(repeats, axis=1)


def _sum(values, where):
    return tf.reduce_sum(tf.where(where, values, 0.0))


def _sparse(labels, mask):
    """:return: SparseTensor of the entries of `labels` [B, N] that are no padding"""
    where = tf.where(mask > 0)
    return tf.SparseTensor(where, tf.gather_nd(labels, where), tf.shape(labels, out_type=tf.int64))
