"""`ctc`: connectionist temporal classification (Graves et al. 2006), the sum over all alignments of the target.

The blank is the last class, as in RETURNN and in TensorFlow's op. The error is the edit distance of the best path.
A sequence whose target is too long for its output has no alignment, and a cost of infinity. It is left out, of the cost,
the error and the frames (RETURNN stops with an error of TensorFlow's there).
"""

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network.axes import Batch
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.losses.frames import further_axes
from boulder.network.template import Template


@loss_class("ctc")
@dataclass(frozen=True, kw_only=True)
class Ctc(Loss):
    """
    :param beam_width: of the search whose result the error compares; 1: the best path (RETURNN's default is 100)
    :param output_in_log_space: whether the output is log probabilities, or logits, and no probabilities
    :param auto_clip_target_len: whether a target that is longer than its output less one frame is cut to that
    :param use_native: which of RETURNN's ops it is: says nothing here
    :param ctc_opts: of TensorFlow's op; says "ignore_longer_outputs_than_inputs", of which see above, if anything
    """

    beam_width: int = 1
    output_in_log_space: bool = False
    auto_clip_target_len: bool = False
    use_native: bool = False
    ctc_opts: dict | None = None

    def output_dim(self, target: Template) -> int | None:
        return target.dim + 1 if target.dim else None

    def check(self, output: Template, target: Template) -> str | None:
        if target.sparse_dim is None or target.time is None:
            return f"loss 'ctc' needs a sequence of class indices as its target, found {target}"
        if self.beam_width < 1:
            return f"'beam_width' must be at least 1, found {self.beam_width}"
        for option in self.ctc_opts or {}:
            if option != "ignore_longer_outputs_than_inputs":
                return f"'ctc_opts' may say 'ignore_longer_outputs_than_inputs', found {option!r}"
        if output.time is None or further_axes(output):
            return f"loss 'ctc' needs a time axis, and none beside it, but the output is {output}"
        return super().check(output, target)

    def compute(self, run, output, target) -> LossValue:
        time, target_time = output.template.time, target.template.time
        frames = run.length(time)
        axes = (time, Batch, output.template.feature)
        logits = (
            output.ordered(axes) if self.output_in_log_space else output.logits_ordered(axes)
        )  # [T, B, classes + 1]
        logits = tf.pad(logits, [[0, 1], [0, 0], [0, 0]])  # TensorFlow's ops refuse a batch without any frame
        num_labels = all_labels = run.length(target_time)
        if self.auto_clip_target_len:
            num_labels = tf.minimum(num_labels, tf.maximum(frames - 1, 0))
        labels = target.ordered((Batch, target_time))  # [B, N]
        mask = tf.sequence_mask(num_labels, tf.shape(labels)[1], tf.float32)  # [B, N]
        possible = _frames_needed(labels, mask) <= tf.cast(frames, tf.float32)  # [B]
        mask = tf.where(possible[:, None], mask, 0.0)
        cost = _cost(logits, frames, labels, tf.cast(tf.reduce_sum(mask, axis=1), tf.int32))
        if self.beam_width == 1:
            (best,), _ = tf.nn.ctc_greedy_decoder(logits, frames, merge_repeated=True)
        else:
            (best,), _ = tf.nn.ctc_beam_search_decoder(logits, frames, self.beam_width, top_paths=1)
        wrong = tf.edit_distance(tf.cast(best, labels.dtype), _sparse(labels, mask), normalize=False)
        return LossValue(_sum(cost, possible), _sum(wrong, possible), _sum(tf.cast(all_labels, tf.float32), possible))


def _frames_needed(labels, mask):
    """:return: float32 [B], frames that an alignment needs: one for each label, and a blank between two that are equal"""
    repeats = tf.cast(labels[:, 1:] == labels[:, :-1], tf.float32) * mask[:, 1:]
    return tf.reduce_sum(mask, axis=1) + tf.reduce_sum(repeats, axis=1)


def _cost(logits, frames, labels, num_labels):
    """:return: float32 [B]. TensorFlow's op refuses a batch with an empty target; the only alignment of that is blanks"""
    empty = num_labels == 0
    padded = tf.pad(labels, [[0, 0], [0, 1]])  # so that there is a label, whose cost is not used
    some = tf.sequence_mask(tf.maximum(num_labels, 1), tf.shape(padded)[1], tf.float32)
    cost = tf.compat.v1.nn.ctc_loss(
        _sparse(padded, some), logits, frames, time_major=True, ignore_longer_outputs_than_inputs=True
    )
    blank = tf.nn.log_softmax(logits)[:, :, -1] * tf.transpose(
        tf.sequence_mask(frames, tf.shape(logits)[0], tf.float32)
    )  # [T, B]
    return tf.where(empty, -tf.reduce_sum(blank, axis=0), cost)


def _sum(values, where):
    return tf.reduce_sum(tf.where(where, values, 0.0))


def _sparse(labels, mask):
    """:return: SparseTensor of the entries of `labels` [B, N] that are no padding"""
    where = tf.where(mask > 0)
    return tf.SparseTensor(where, tf.gather_nd(labels, where), tf.shape(labels, out_type=tf.int64))
