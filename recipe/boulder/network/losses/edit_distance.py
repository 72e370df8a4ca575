"""`edit_distance`: number of substitutions, insertions and deletions between a sequence of labels and its target."""

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE, TIME, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, loss_class
from boulder.network.losses.frames import further_axes
from boulder.network.losses.labels import LabelError
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@loss_class("edit_distance")
@dataclass(frozen=True, kw_only=True)
class EditDistance(LabelError):
    """The edit distance of the output, class indices, and the target, normalised by the labels of the target: an error only.

    The cost is 0. RETURNN: EditDistanceLoss.

    :param label_map: label → another one, or None to leave it out, in output and target
    :param ctc_decode: the output is probabilities of the labels and, last, the blank; a beam search decodes them
    :param output_in_log_space: with `ctc_decode`, whether the output is log probabilities or logits
    :param debug_print: has no effect
    """

    label_map: dict | None = None
    ctc_decode: bool = False
    output_in_log_space: bool = False
    debug_print: bool = False

    def output_dim(self, target: Template) -> int | None:
        return target.dim + 1 if self.ctc_decode and target.dim else None

    def check(self, output: Template, target: Template) -> str | None:
        if self.output_in_log_space and not self.ctc_decode:
            return "'output_in_log_space' needs 'ctc_decode'"
        if problem := self._problem_of_map(target):
            return problem
        if not self.ctc_decode:
            return super().check(output, target)
        if target.sparse_dim is None or target.time is None or output.time is None or further_axes(output):
            return (
                f"loss 'edit_distance' with 'ctc_decode' compares sequences of probabilities with class indices, but the output is "
                f"{output} and the target {target}"
            )
        return Loss.check(self, output, target)

    def _problem_of_map(self, target: Template) -> str | None:
        found = self.label_map or {}
        known = found and sorted(found, key=str) == sorted(range(target.sparse_dim or 0), key=str)
        whole = all(new is None or (isinstance(new, int) and new >= 0) for new in found.values())
        if found and not (known and whole):
            return f"'label_map' must map each label from 0 to {(target.sparse_dim or 1) - 1} to a label or None, found {found!r:.80}"
        return None

    def errors(self, found: TFTensor, found_lengths: TFTensor, truth: TFTensor, lengths: TFTensor) -> TFTensor:
        return edit_distances(*self._mapped(found, found_lengths), *self._mapped(truth, lengths))

    def found(self, run: LayerRun, output: Tensor) -> tuple[TFTensor, TFTensor]:
        return self._decoded(run, output) if self.ctc_decode else super().found(run, output)

    def _decoded(self, run: LayerRun, output: Tensor) -> tuple[TFTensor, TFTensor]:
        axes = (output.template.required(TIME), Batch, output.template.required(FEATURE))
        logits = output.ordered(axes) if self.output_in_log_space else output.logits_ordered(axes)
        logits = tf.pad(logits, [[0, 1], [0, 0], [0, 0]])  # TensorFlow's decoder refuses a batch without frames
        (best,), _ = tf.nn.ctc_beam_search_decoder(logits, run.length(axes[0]), beam_width=100, top_paths=1)
        rows = tf.RaggedTensor.from_value_rowids(
            best.values, best.indices[:, 0], tf.cast(tf.shape(logits)[1], tf.int64)
        )
        return tf.cast(rows.to_tensor(), tf.int32), tf.cast(rows.row_lengths(), tf.int32)

    def _mapped(self, labels: TFTensor, lengths: TFTensor) -> tuple[TFTensor, TFTensor]:
        """:return: the labels [B, N] and their numbers [B] after `label_map`"""
        if not self.label_map:
            return labels, lengths
        new = [-1 if self.label_map[label] is None else self.label_map[label] for label in range(len(self.label_map))]
        inside = tf.sequence_mask(lengths, tf.shape(labels)[1])
        mapped = tf.gather(tf.constant(new), tf.where(inside, labels, 0))
        rows = tf.ragged.boolean_mask(mapped, inside & (mapped >= 0))
        return rows.to_tensor(), tf.cast(rows.row_lengths(), tf.int32)


def edit_distances(found: TFTensor, found_lengths: TFTensor, truth: TFTensor, lengths: TFTensor) -> TFTensor:
    """
    :param found: int [B, N]
    :param found_lengths: int32 [B]
    :param truth: int [B, M]
    :param lengths: int32 [B]
    :return: float32 [B]
    """
    return tf.edit_distance(_sparse(found, found_lengths), _sparse(truth, lengths), normalize=False)


def _sparse(labels: TFTensor, lengths: TFTensor) -> TFTensor:
    where = tf.where(tf.sequence_mask(lengths))
    return tf.SparseTensor(where, tf.gather_nd(tf.cast(labels, tf.int64), where), tf.shape(labels, out_type=tf.int64))
