"""`edit_distance`: number of substitutions, insertions and deletions between a sequence of labels and its target."""

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network.axes import TIME, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.layers.edit_distance import edit_distance
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
        found, truth = (x.template.required(TIME) for x in (output, target))
        lengths = run.length(truth)
        distance = edit_distance(
            output.ordered((Batch, found)), run.length(found), target.ordered((Batch, truth)), lengths
        )
        return LossValue(tf.constant(0.0), tf.reduce_sum(distance), tf.reduce_sum(tf.cast(lengths, tf.float32)))
