"""`edit_distance`: number of substitutions, insertions and deletions between a sequence of labels and its target."""

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.axes import FEATURE, TIME, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import LossValue, loss_class
from boulder.network.losses.frames import further_axes
from boulder.network.losses.labels import LabelError, rearranged
from boulder.network.template import Template
from boulder.network.tensor import Tensor

_BEAM_WIDTH = 100


@loss_class("edit_distance")
@dataclass(frozen=True, kw_only=True)
class EditDistance(LabelError):
    """The edit distance of the output, class indices, and the target, normalised by the labels of the target: an error only.

    The cost is 0. RETURNN: EditDistanceLoss.

    :param label_map: class → class that it counts as, or None for one that does not count; of all classes from 0 on
    :param ctc_decode: the output is probabilities of the labels and of a blank, the last class; a beam search of width 100 decodes them
    :param output_in_log_space: with `ctc_decode`: the output is logits or log probabilities
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
        if self.label_map is not None and (problem := _problem_of_map(self.label_map, target.sparse_dim)):
            return problem
        if not self.ctc_decode:
            return super().check(output, target)
        if target.sparse_dim is None or target.time is None or further_axes(target):
            return f"loss 'edit_distance' compares sequences of class indices, but the target is {target}"
        if output.time is None or further_axes(output) or output.dim != self.output_dim(target) or output.sparse_dim:
            return (
                f"'ctc_decode' needs an output with time and a feature axis of size {self.output_dim(target)} for its target {target}, "
                f"found {output}"
            )
        return None

    def compute(self, run: LayerRun, output: Tensor, target: Tensor) -> LossValue:
        found, found_lengths = self._decoded(run, output) if self.ctc_decode else self._labels(run, output)
        truth, lengths = self._labels(run, target)
        distance = edit_distances(*self._mapped(found, found_lengths), *self._mapped(truth, lengths))
        return LossValue(tf.constant(0.0), tf.reduce_sum(distance), tf.reduce_sum(tf.cast(lengths, tf.float32)))

    @staticmethod
    def _labels(run: LayerRun, x: Tensor) -> tuple[TFTensor, TFTensor]:
        time = x.template.required(TIME)
        return tf.cast(x.ordered((Batch, time)), tf.int32), run.length(time)

    def _decoded(self, run: LayerRun, x: Tensor) -> tuple[TFTensor, TFTensor]:
        time = x.template.required(TIME)
        axes = (time, Batch, x.template.required(FEATURE))
        logits = x.ordered(axes) if self.output_in_log_space else x.logits_ordered(axes)
        logits = tf.pad(logits, [[0, 1], [0, 0], [0, 0]])  # TensorFlow's op refuses a batch without frames
        (best,), _ = tf.nn.ctc_beam_search_decoder(logits, run.length(time), _BEAM_WIDTH, top_paths=1)
        labels = tf.sparse.to_dense(best, default_value=-1)
        return rearranged(tf.cast(labels, tf.int32), labels >= 0)

    def _mapped(self, labels: TFTensor, lengths: TFTensor) -> tuple[TFTensor, TFTensor]:
        if self.label_map is None:
            return labels, lengths
        table = tf.constant(
            [-1 if self.label_map[label] is None else self.label_map[label] for label in sorted(self.label_map)]
        )
        inside = tf.sequence_mask(lengths, tf.shape(labels)[1])
        mapped = tf.gather(table, tf.where(inside, labels, 0))
        return rearranged(mapped, inside & (mapped >= 0))


def _problem_of_map(label_map: dict, classes: int | None) -> str | None:
    """:return: a message if `label_map` does not map each class to a class or None, else None"""
    wrong = [
        item
        for item in label_map.items()
        if not all(value is None or (type(value) is int and value >= 0) for value in item)
    ]
    if wrong or set(label_map) != set(range(len(label_map))) or len(label_map) < (classes or 0):
        return f"'label_map' must map each class from 0 to {(classes or 1) - 1} to a class or None, found {label_map!r:.80}"
    return None


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
    where = tf.where(tf.sequence_mask(lengths, tf.shape(labels)[1]))
    return tf.SparseTensor(where, tf.gather_nd(tf.cast(labels, tf.int64), where), tf.shape(labels, out_type=tf.int64))
