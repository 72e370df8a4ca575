"""`generic_ce`: cross-entropy of an output whose activation works entry by entry, such as exp or sigmoid."""

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.loss import loss_class
from boulder.network.losses.frames import FrameLoss, Frames, problem_of_frames
from boulder.network.template import Template


@loss_class("generic_ce")
@dataclass(frozen=True, kw_only=True)
class GenericCrossEntropy(FrameLoss):
    """-log of the target's share in the sum over the entries of the output, which must be positive. RETURNN: GenericCELoss."""

    def output_dim(self, target: Template) -> int | None:
        return target.dim

    def check(self, output: Template, target: Template) -> str | None:
        return problem_of_frames("generic_ce", output, target, False) or super().check(output, target)

    def of_frames(self, frames: Frames, target: Template) -> tuple[TFTensor, TFTensor]:
        n = frames.output.shape[-1]
        wanted = tf.one_hot(tf.where(frames.mask, frames.target, 0), n)
        # entries of the padding may have no logarithm
        log_y = tf.math.log(tf.where(frames.mask[..., None], frames.output, 1.0))
        cost = tf.nn.softmax_cross_entropy_with_logits(labels=wanted, logits=log_y)
        return cost, frames.wrong
