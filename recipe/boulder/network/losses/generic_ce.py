"""`generic_ce`: cross-entropy of an output whose activation works entry by entry, such as exp or sigmoid."""

from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import tf
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue, loss_class
from boulder.network.losses.frames import frames_of, problem_of_frames
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@loss_class("generic_ce")
@dataclass(frozen=True, kw_only=True)
class GenericCrossEntropy(Loss):
    """-log of the target's share in the sum over the entries of the output, which must be positive. RETURNN: GenericCELoss."""

    is_framewise: ClassVar[bool] = True

    def output_dim(self, target: Template) -> int | None:
        return target.dim

    def check(self, output: Template, target: Template) -> str | None:
        return problem_of_frames("generic_ce", output, target, False) or super().check(output, target)

    def compute(self, run: LayerRun, output: Tensor, target: Tensor) -> LossValue:
        frames = frames_of(run, output, target)
        n = frames.output.shape[-1]
        wanted = tf.one_hot(tf.where(frames.mask, frames.target, 0), n)
        # entries of the padding may have no logarithm
        log_y = tf.math.log(tf.where(frames.mask[..., None], frames.output, 1.0))
        cost = tf.nn.softmax_cross_entropy_with_logits(labels=wanted, logits=log_y)
        return LossValue(frames.sum(cost), frames.wrong, frames.count)
