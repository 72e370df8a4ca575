"""`as_is`: uses the output itself as the cost."""

from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import tf
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@loss_class("as_is")
@dataclass(frozen=True, kw_only=True)
class AsIs(Loss):
    """The output as the cost: the sum over features and frames, normalised by the number of frames; without time, by the number of sequences.

    RETURNN: AsIsLoss.

    :param as_error: report the output as the error, and 0 as the cost
    """

    needs_target: ClassVar = False
    as_error: bool = False

    @property
    def has_cost(self) -> bool:
        return not self.as_error

    @property
    def has_error(self) -> bool:
        return self.as_error

    def output_dim(self, target: Template) -> int | None:
        return None

    def check(self, output: Template, target: Template | None) -> str | None:
        if output.sparse_dim is not None or output.dtype == "bool":
            return f"loss 'as_is' needs numbers, found {output}"
        if output.time and output.time.size is None and output.batch is None:
            return f"loss 'as_is' needs a batch axis, which gives the lengths along time, found {output}"
        return None

    def compute(self, run: LayerRun, output: Tensor, target: None) -> LossValue:
        value = tf.cast(output.value, tf.float32)
        time = output.template.time
        if time:
            value = tf.where(run.mask_over(output.axes, time), value, 0.0)
            frames = tf.reduce_sum(tf.cast(run.length(time), tf.float32))
        else:
            frames = tf.cast(run.batch_size if output.template.batch else 1, tf.float32)
        total, nothing = tf.reduce_sum(value), tf.constant(0.0)
        return LossValue(nothing, total, frames) if self.as_error else LossValue(total, nothing, frames)
