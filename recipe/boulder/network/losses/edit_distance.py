"""`edit_distance`: number of substitutions, insertions and deletions between a sequence of labels and its target."""

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.axes import TIME, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.losses.frames import further_axes
from boulder.network.template import Template
from boulder.network.tensor import Tensor


def problem_of_labels(loss: str, output: Template, target: Template) -> str | None:
    """:return: error message if output and target are not sequences of the same classes, else None"""
    for what, template in (("output", output), ("target", target)):
        if template.sparse_dim is None or template.time is None or further_axes(template):
            return f"loss {loss!r} compares sequences of class indices, but the {what} is {template}"
    if output.sparse_dim != target.sparse_dim:
        return f"loss {loss!r}: the output has {output.sparse_dim} classes, the target {target.sparse_dim}"
    return None


@loss_class("edit_distance")
@dataclass(frozen=True, kw_only=True)
class EditDistance(Loss):
    """The edit distance of the output, class indices, and the target, normalised by the labels of the target: an error only.

    The cost is 0. RETURNN: EditDistanceLoss."""

    @property
    def has_cost(self) -> bool:
        return False

    def output_dim(self, target: Template) -> int | None:
        return None

    def check(self, output: Template, target: Template) -> str | None:
        return problem_of_labels("edit_distance", output, target)

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
