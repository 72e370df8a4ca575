"""Losses that compare sequences of labels: what they need, and their base class."""

from boulder.lazy import TFTensor, tf
from boulder.network.axes import TIME, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue
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


class LabelError(Loss):
    """An error of the output, a sequence of class indices, and its target. There is no gradient, and the cost is 0.

    It is normalised by the number of labels of the target.
    """

    @property
    def has_cost(self) -> bool:
        return False

    def output_dim(self, target: Template) -> int | None:
        return None

    def check(self, output: Template, target: Template) -> str | None:
        return problem_of_labels(self.class_name, output, target)

    def found(self, run: LayerRun, output: Tensor) -> tuple[TFTensor, TFTensor]:
        """:return: labels of the output, int32 [B, N], and their numbers, int32 [B]"""
        return _labels(run, output)

    def errors(self, found: TFTensor, found_lengths: TFTensor, truth: TFTensor, lengths: TFTensor) -> TFTensor:
        """
        :param found: int32 [B, N]
        :param found_lengths: int32 [B]
        :param truth: int32 [B, M]
        :param lengths: int32 [B]
        :return: float32 [B]
        """
        raise NotImplementedError

    def compute(self, run: LayerRun, output: Tensor, target: Tensor) -> LossValue:
        truth, lengths = _labels(run, target)
        errors = self.errors(*self.found(run, output), truth, lengths)
        nothing, count = tf.constant(0.0), tf.reduce_sum(tf.cast(lengths, tf.float32))
        return LossValue(nothing, tf.reduce_sum(errors), count, left_out=nothing)


def _labels(run: LayerRun, x: Tensor) -> tuple[TFTensor, TFTensor]:
    time = x.template.required(TIME)
    return tf.cast(x.ordered((Batch, time)), tf.int32), run.length(time)
