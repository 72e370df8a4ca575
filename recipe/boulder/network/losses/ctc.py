"""`ctc`: connectionist temporal classification (Graves et al. 2006), -log of the sum over all alignments of the target."""

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE, TIME, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.losses.frames import further_axes
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@loss_class("ctc")
@dataclass(frozen=True, kw_only=True)
class Ctc(Loss):
    """-log of the sum of the probabilities of all alignments of the target's labels. Graves et al. 2006.

    The blank is an additional, last class. The error is the edit distance of the decoded labels. A sequence whose target does
    not fit into its output has no alignment and infinite cost. It is excluded from cost, error and frames.

    RETURNN: CtcLoss. It stops at such a sequence with an error from TensorFlow.

    :param beam_width: width of the beam search that decodes the labels for the error, except in training; 1: best path.
        RETURNN's default is 100, which `boulder.returnn.default_beam` writes into the networks of RETURNN configs.
    :param output_in_log_space: whether the output is log probabilities or logits instead of probabilities
    :param auto_clip_target_len: truncate targets to one label less than the number of output frames
    :param use_native: selects an implementation in RETURNN; no effect here
    :param ctc_opts: only "ignore_longer_outputs_than_inputs", which has no effect here
    """

    beam_width: int = 1
    output_in_log_space: bool = False
    auto_clip_target_len: bool = False
    use_native: bool = False
    ctc_opts: dict | None = None

    @property
    def needs_frame_per_label(self) -> bool:
        return not self.auto_clip_target_len

    def output_dim(self, target: Template) -> int | None:
        return target.dim + 1 if target.dim else None

    def check(self, output: Template, target: Template) -> str | None:
        if target.sparse_dim is None or target.time is None:
            return f"loss 'ctc' needs a sequence of class indices as its target, found {target}"
        if self.beam_width < 1:
            return f"'beam_width' must be at least 1, found {self.beam_width}"
        for option in self.ctc_opts or {}:
            if option != "ignore_longer_outputs_than_inputs":
                return f"'ctc_opts' takes only 'ignore_longer_outputs_than_inputs', found {option!r}"
        if output.time is None or further_axes(output):
            return f"loss 'ctc' needs a time axis and no further axes, but the output is {output}"
        return super().check(output, target)

    def compute(self, run: LayerRun, output: Tensor, target: Tensor) -> LossValue:
        time, target_time = output.template.required(TIME), target.template.required(TIME)
        frames = run.length(time)
        axes = (time, Batch, output.template.required(FEATURE))
        logits = (
            output.ordered(axes) if self.output_in_log_space else output.logits_ordered(axes)
        )  # [T, B, classes + 1]
        logits = tf.pad(logits, [[0, 1], [0, 0], [0, 0]])  # TensorFlow's ops refuse a batch without frames
        num_labels = all_labels = run.length(target_time)
        if self.auto_clip_target_len:
            num_labels = tf.minimum(num_labels, tf.maximum(frames - 1, 0))
        labels = target.ordered((Batch, target_time))  # [B, N]
        mask = tf.sequence_mask(num_labels, tf.shape(labels)[1], tf.float32)  # [B, N]
        possible = _frames_needed(labels, mask) <= tf.cast(frames, tf.float32)  # [B]
        mask = tf.where(possible[:, None], mask, 0.0)
        cost = _cost(logits, frames, labels, tf.cast(tf.reduce_sum(mask, axis=1), tf.int32))
        if self.beam_width == 1 or run.train:
            (best,), _ = tf.nn.ctc_greedy_decoder(logits, frames, merge_repeated=True)
        else:
            (best,), _ = tf.nn.ctc_beam_search_decoder(logits, frames, self.beam_width, top_paths=1)
        wrong = tf.edit_distance(tf.cast(best, labels.dtype), _sparse(labels, mask), normalize=False)
        return LossValue(_sum(cost, possible), _sum(wrong, possible), _sum(tf.cast(all_labels, tf.float32), possible))


def _frames_needed(labels: TFTensor, mask: TFTensor) -> TFTensor:
    """:return: float32 [B], minimum length of an alignment: a frame per label, and a blank between equal labels"""
    repeats = tf.cast(labels[:, 1:] == labels[:, :-1], tf.float32) * mask[:, 1:]
    return tf.reduce_sum(mask, axis=1) + tf.reduce_sum(repeats, axis=1)


def _cost(logits: TFTensor, frames: TFTensor, labels: TFTensor, num_labels: TFTensor) -> TFTensor:
    """:return: float32 [B]. TensorFlow's op refuses empty targets; their only alignment is all blanks"""
    empty = num_labels == 0
    padded = tf.pad(labels, [[0, 0], [0, 1]])  # a dummy label for empty targets, whose cost is then not used
    some = tf.sequence_mask(tf.maximum(num_labels, 1), tf.shape(padded)[1], tf.float32)
    cost = tf.compat.v1.nn.ctc_loss(
        _sparse(padded, some), logits, frames, time_major=True, ignore_longer_outputs_than_inputs=True
    )
    blank = tf.nn.log_softmax(logits)[:, :, -1] * tf.transpose(
        tf.sequence_mask(frames, tf.shape(logits)[0], tf.float32)
    )  # [T, B]
    return tf.where(empty, -tf.reduce_sum(blank, axis=0), cost)


def _sum(values: TFTensor, where: TFTensor) -> TFTensor:
    return tf.reduce_sum(tf.where(where, values, 0.0))


def _sparse(labels: TFTensor, mask: TFTensor) -> TFTensor:
    """:return: SparseTensor of the entries of `labels` [B, N] that are not padding"""
    where = tf.where(mask > 0)
    return tf.SparseTensor(where, tf.gather_nd(labels, where), tf.shape(labels, out_type=tf.int64))
