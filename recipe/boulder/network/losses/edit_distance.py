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
        found, truth = (self._sparse(run, x) for x in (output, target))
        distance = tf.edit_distance(found, truth, normalize=False)
        labels = tf.reduce_sum(tf.cast(run.length(target.template.required(TIME)), tf.float32))
        return LossValue(tf.constant(0.0), tf.reduce_sum(distance), labels)

    @staticmethod
    def _sparse(run: LayerRun, x: Tensor) -> TFTensor:
        time = x.template.required(TIME)
        values, mask = x.ordered((Batch, time)), tf.sequence_mask(run.length(time))
        where = tf.where(mask)
        shape = tf.shape(values, out_type=tf.int64)
        return tf.SparseTensor(where, tf.gather_nd(tf.cast(values, tf.int64), where), shape)
