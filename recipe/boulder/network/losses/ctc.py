"""`ctc`: connectionist temporal classification (Graves et al. 2006), -log of the sum over all alignments of the target."""

from dataclasses import dataclass, replace
from typing import ClassVar

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.alignments.sequence_losses import ctc_costs, with_gradient
from boulder.network.axes import FEATURE, TIME, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, count_of, loss_class
from boulder.network.losses.ctc_options import CtcOptions, read_ctc_options
from boulder.network.losses.frames import further_axes
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@loss_class("ctc")
@dataclass(frozen=True, kw_only=True)
class Ctc(Loss):
    """-log of the sum of the probabilities of all alignments of the target's labels. Graves et al. 2006.

    The blank is an additional, last class. The error is the edit distance of the decoded labels. A sequence whose target does
    not fit into its output has no alignment and infinite cost. It is excluded from cost, error and frames.

    RETURNN: CtcLoss. It stops at such a sequence with an error from TensorFlow, or counts its frames with cost 0; it decodes labels
    for the error as if the last class was the blank.

    :param beam_width: width of the beam search that decodes the labels for the error, except in training; 1: best path.
        RETURNN's default is 100, which `boulder.returnn.default_beam` writes into the networks of RETURNN configs.
    :param output_in_log_space: whether the output is log probabilities or logits instead of probabilities
    :param auto_clip_target_len: truncate targets to one label less than the number of output frames; with `use_native` and
        `use_viterbi`, for the error only
    :param target_collapse_repeated: equal labels in a row are one; with `use_native` and `use_viterbi`, for the error only
    :param use_native: RETURNN's own implementation, with other `ctc_opts`
    :param use_viterbi: only the best alignment counts, in cost and gradient
    :param ctc_opts: "ctc_merge_repeated" (whether a label may last several frames), "preprocess_collapse_repeated" (whether equal
        labels in a row are one, for the cost), and "ignore_longer_outputs_than_inputs", which has no effect here; with
        `use_native`: "label_loop" or "ctc_merge_repeated", "blank_index", "logits_normalize" (whether a log-softmax is applied),
        "grad_wrt_softmax_in" (whether the gradient is that of a softmax in front), and "zero_infinity", which has no effect
    """

    left_out: ClassVar[str] = "whose targets need more frames than there are"

    beam_width: int = 1
    output_in_log_space: bool = False
    auto_clip_target_len: bool = False
    target_collapse_repeated: bool = False
    use_native: bool = False
    use_viterbi: bool = False
    ctc_opts: dict | None = None

    @property
    def needs_frame_per_label(self) -> bool:
        return not self.auto_clip_target_len or self._is_own

    @property
    def _is_own(self) -> bool:
        """:return: whether RETURNN computes the cost, from the targets as they are, rather than TensorFlow"""
        return self.use_native or self.use_viterbi

    def output_dim(self, target: Template) -> int | None:
        return target.dim + 1 if target.dim else None

    def check(self, output: Template, target: Template) -> str | None:
        if target.sparse_dim is None or target.time is None:
            return f"loss 'ctc' needs a sequence of class indices as its target, found {target}"
        if self.beam_width < 1:
            return f"'beam_width' must be at least 1, found {self.beam_width}"
        problem = self._problem_of_options(target.dim)
        if problem:
            return problem
        if output.time is None or further_axes(output):
            return f"loss 'ctc' needs a time axis and no further axes, but the output is {output}"
        return super().check(output, target)

    def _problem_of_options(self, num_labels: int | None) -> str | None:
        try:
            options = read_ctc_options(self.ctc_opts or {}, self.use_native, self.use_viterbi)
        except NetworkError as error:
            return str(error)
        last = num_labels or 0
        if not -last - 1 <= options.blank_index <= last:
            return f"'ctc_opts': 'blank_index' must be a class from {-last - 1} to {last}, found {options.blank_index}"
        if options.blank_index not in (-1, last) and self.beam_width > 1:
            return f"'ctc_opts': 'blank_index' is {options.blank_index}, which needs 'beam_width': 1, found {self.beam_width}"
        return None

    @property
    def _options(self) -> CtcOptions:
        return read_ctc_options(self.ctc_opts or {}, self.use_native, self.use_viterbi)

    def compute(self, run: LayerRun, output: Tensor, target: Tensor) -> LossValue:
        time, target_time = output.template.required(TIME), target.template.required(TIME)
        frames = run.length(time)
        axes = (time, Batch, output.template.required(FEATURE))
        logits = (
            output.ordered(axes) if self.output_in_log_space else output.logits_ordered(axes)
        )  # [T, B, classes + 1]
        logits = tf.pad(logits, [[0, 1], [0, 0], [0, 0]])  # TensorFlow's ops refuse a batch without frames
        given = target.ordered((Batch, target_time)), run.length(target_time)  # [B, N], [B]
        labels, num_labels = self._changed(*given, frames)
        of_cost = given if self._is_own else (labels, num_labels)
        if self._options.preprocess_collapse_repeated:
            of_cost = _collapsed(*of_cost)
        possible, cost = self._cost(logits, frames, *of_cost)
        mask = tf.sequence_mask(num_labels, tf.shape(labels)[1], tf.float32)  # [B, N]
        mask = tf.where(possible[:, None], mask, 0.0)
        if self.beam_width == 1 or run.train:
            blank = self._options.blank_index
            (best,), _ = tf.nn.ctc_greedy_decoder(logits, frames, merge_repeated=True, blank_index=blank)
        else:
            (best,), _ = tf.nn.ctc_beam_search_decoder(logits, frames, self.beam_width, top_paths=1)
        wrong = tf.edit_distance(tf.cast(best, labels.dtype), _sparse(labels, mask), normalize=False)
        labels_counted = _sum(tf.cast(given[1], tf.float32), possible)
        return LossValue(_sum(cost, possible), _sum(wrong, possible), labels_counted, count_of(~possible))

    def _changed(self, labels: TFTensor, num_labels: TFTensor, frames: TFTensor) -> tuple[TFTensor, TFTensor]:
        """:return: labels [B, N] and their numbers [B], as the options want them"""
        if self.auto_clip_target_len:
            num_labels = tf.minimum(num_labels, tf.maximum(frames - 1, 0))
        return _collapsed(labels, num_labels) if self.target_collapse_repeated else (labels, num_labels)

    def _cost(
        self, logits: TFTensor, frames: TFTensor, labels: TFTensor, num_labels: TFTensor
    ) -> tuple[TFTensor, TFTensor]:
        """:return: whether the labels of each sequence fit into its frames, bool [B]; cost, float32 [B]"""
        of_tensorflow = (
            replace(self._options, preprocess_collapse_repeated=False) == CtcOptions() and not self.use_viterbi
        )
        if not of_tensorflow:
            return self._of_alignment(logits, frames, labels, num_labels)
        possible = _frames_needed(labels, num_labels) <= frames
        return possible, _cost(logits, frames, labels, tf.where(possible, num_labels, 0))

    def _of_alignment(
        self, logits: TFTensor, frames: TFTensor, labels: TFTensor, num_labels: TFTensor
    ) -> tuple[TFTensor, TFTensor]:
        """:return: whether the labels of each sequence fit into its frames, bool [B]; cost, float32 [B], with its gradient"""
        options, classes = self._options, logits.shape[-1]
        cost, posterior = ctc_costs(
            logits, frames, tf.cast(labels, tf.int32), num_labels,
            blank=options.blank_index % classes, label_loop=options.loops, normalize=options.logits_normalize,
            best_path=self.use_viterbi,
        )  # fmt: skip
        possible = tf.math.is_finite(cost)
        signal = -posterior
        if options.grad_wrt_softmax_in:
            signal += tf.nn.softmax(logits) if options.logits_normalize else tf.exp(logits)
        there = possible[None] & tf.transpose(tf.sequence_mask(frames, tf.shape(logits)[0]))
        signal = tf.where(there[..., None], signal, 0.0)
        return possible, with_gradient(tf.where(possible, cost, 0.0), logits, signal, axes=(0, 2))


def _collapsed(labels: TFTensor, num_labels: TFTensor) -> tuple[TFTensor, TFTensor]:
    """:return: labels [B, N] without repetitions, and their numbers [B]"""
    differs = tf.concat([tf.ones_like(labels[:, :1], tf.bool), labels[:, 1:] != labels[:, :-1]], 1)
    kept = tf.ragged.boolean_mask(labels, differs & tf.sequence_mask(num_labels, tf.shape(labels)[1]))
    return kept.to_tensor(shape=[None, labels.shape[1]]), tf.cast(kept.row_lengths(), num_labels.dtype)


def _frames_needed(labels: TFTensor, num_labels: TFTensor) -> TFTensor:
    """:return: int32 [B], minimum length of an alignment: a frame per label, and a blank between equal labels"""
    there = tf.sequence_mask(num_labels, tf.shape(labels)[1])
    repeats = (labels[:, 1:] == labels[:, :-1]) & there[:, 1:]
    return num_labels + tf.reduce_sum(tf.cast(repeats, num_labels.dtype), axis=1)


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
