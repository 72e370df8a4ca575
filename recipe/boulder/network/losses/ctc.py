"""`ctc`: connectionist temporal classification (Graves et al. 2006), -log of the sum over all alignments of the target."""

from dataclasses import dataclass
from typing import ClassVar

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.alignments.sequence_losses import ctc_costs, with_gradient
from boulder.network.axes import FEATURE, TIME, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, count_of, loss_class
from boulder.network.losses.frames import further_axes
from boulder.network.option_parsing import parse
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True, kw_only=True)
class NativeOptions:
    """`ctc_opts` with `use_native`, see `Ctc`."""

    label_loop: bool | None = None
    ctc_merge_repeated: bool | None = None
    blank_index: int = -1
    logits_normalize: bool = True
    grad_wrt_softmax_in: bool = True
    zero_infinity: bool | None = None
    ignore_longer_outputs_than_inputs: bool = True

    @property
    def loops(self) -> bool:
        """:return: whether a label may last several frames"""
        given = self.label_loop if self.ctc_merge_repeated is None else self.ctc_merge_repeated
        return True if given is None else given


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
    :param target_collapse_repeated: equal labels in a row are one; neither with `use_native` nor with `use_viterbi`
    :param use_native: RETURNN's own implementation, with other `ctc_opts`
    :param use_viterbi: only the best alignment counts, in cost and gradient
    :param ctc_opts: "ignore_longer_outputs_than_inputs", which has no effect here; with `use_native`: "label_loop" or
        "ctc_merge_repeated" (whether a label may last several frames), "blank_index", "logits_normalize" (whether a log-softmax is
        applied), "grad_wrt_softmax_in" (whether the gradient is that of a softmax in front), and "zero_infinity", which has no
        effect
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
        return not self.auto_clip_target_len

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
        if self.target_collapse_repeated and (self.use_native or self.use_viterbi):
            return "'target_collapse_repeated' works neither with 'use_native' nor with 'use_viterbi', found True"
        given = [option for option in self.ctc_opts or {} if option != "ignore_longer_outputs_than_inputs"]
        if given and not self.use_native:
            return f"'ctc_opts' takes only 'ignore_longer_outputs_than_inputs' without 'use_native': True, found {given[0]!r}"
        if given and self.use_viterbi:
            return f"'ctc_opts' takes only 'ignore_longer_outputs_than_inputs' with 'use_viterbi', found {given[0]!r}"
        try:
            options = parse(NativeOptions, self.ctc_opts or {}, "'ctc_opts'")
        except NetworkError as error:
            return str(error)
        last = num_labels or 0
        if not -last - 1 <= options.blank_index <= last:
            return f"'ctc_opts': 'blank_index' must be a class from {-last - 1} to {last}, found {options.blank_index}"
        if options.blank_index not in (-1, last) and self.beam_width > 1:
            return f"'ctc_opts': 'blank_index' is {options.blank_index}, which needs 'beam_width': 1, found {self.beam_width}"
        return None

    @property
    def _options(self) -> NativeOptions:
        return parse(NativeOptions, self.ctc_opts or {}, "'ctc_opts'")

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
        if self.target_collapse_repeated:
            labels, num_labels = _collapsed(labels, num_labels)
        mask = tf.sequence_mask(num_labels, tf.shape(labels)[1], tf.float32)  # [B, N]
        if self.use_viterbi or self._options != NativeOptions():
            possible, cost = self._of_alignment(logits, frames, labels, num_labels)
        else:
            possible = _frames_needed(labels, mask) <= tf.cast(frames, tf.float32)  # [B]
            cost = _cost(logits, frames, labels, tf.where(possible, num_labels, 0))
        mask = tf.where(possible[:, None], mask, 0.0)
        if self.beam_width == 1 or run.train:
            blank = self._options.blank_index
            (best,), _ = tf.nn.ctc_greedy_decoder(logits, frames, merge_repeated=True, blank_index=blank)
        else:
            (best,), _ = tf.nn.ctc_beam_search_decoder(logits, frames, self.beam_width, top_paths=1)
        wrong = tf.edit_distance(tf.cast(best, labels.dtype), _sparse(labels, mask), normalize=False)
        labels_counted = _sum(tf.cast(all_labels, tf.float32), possible)
        return LossValue(_sum(cost, possible), _sum(wrong, possible), labels_counted, count_of(~possible))

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
