"""`edit_distance`: number of substitutions, insertions and deletions between a sequence of labels and its target."""

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.axes import TIME, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import LossValue, loss_class
from boulder.network.losses.labels import LabelError
from boulder.network.tensor import Tensor


@loss_class("edit_distance")
@dataclass(frozen=True, kw_only=True)
class EditDistance(LabelError):
    """The edit distance of the output, class indices, and the target, normalised by the labels of the target: an error only.

    The cost is 0. RETURNN: EditDistanceLoss."""

    def compute(self, run: LayerRun, output: Tensor, target: Tensor) -> LossValue:
        (found, found_lengths), (truth, lengths) = (self._labels(run, x) for x in (output, target))
        distance = edit_distances(found, found_lengths, truth, lengths)
        return LossValue(tf.constant(0.0), tf.reduce_sum(distance), tf.reduce_sum(tf.cast(lengths, tf.float32)))

    @staticmethod
    def _labels(run: LayerRun, x: Tensor) -> tuple[TFTensor, TFTensor]:
        time = x.template.required(TIME)
        return x.ordered((Batch, time)), run.length(time)


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
