"""`mse`, `mean_l1` and `l1`: distance between output and target, over features, summed over frames."""

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.loss import loss_class
from boulder.network.losses.frames import FrameLoss, Frames, problem_of_frames
from boulder.network.template import Template


@dataclass(frozen=True, kw_only=True)
class _Distance(FrameLoss):
    @staticmethod
    def distance(difference: TFTensor) -> TFTensor:
        """
        :param difference: output - target
        :return: distance, entry by entry
        """
        raise NotImplementedError

    @staticmethod
    def over_features(distances: TFTensor) -> TFTensor:
        """:return: the last axis reduced"""
        return tf.reduce_mean(distances, axis=-1)

    def is_error_telling(self, target: Template | None) -> bool:
        return target is not None and target.sparse_dim is not None  # the largest feature is a class only there

    def output_dim(self, target: Template) -> int | None:
        return target.dim

    def of_frames(self, frames: Frames, target: Template) -> tuple[TFTensor, TFTensor]:
        dense = frames.target.shape.rank == frames.output.shape.rank
        y = tf.cast(frames.target, tf.float32) if dense else tf.one_hot(frames.target, target.sparse_dim)
        cost = self.over_features(self.distance(frames.output - y))
        return cost, frames.wrong


@loss_class("mse")
@dataclass(frozen=True, kw_only=True)
class MeanSquaredError(_Distance):
    """(x - y)², the mean over features, summed over frames. Class indices are one-hot encoded. RETURNN: MeanSquaredError.

    The error is the rate of frames whose largest feature is another one than the target's.
    """

    def check(self, output: Template, target: Template) -> str | None:
        dense = None if target.sparse_dim else True
        return problem_of_frames("mse", output, target, dense) or super().check(output, target)

    @staticmethod
    def distance(difference: TFTensor) -> TFTensor:
        return tf.square(difference)


@loss_class("mean_l1")
@dataclass(frozen=True, kw_only=True)
class MeanL1(_Distance):
    """|x - y|, the mean over features, summed over frames. The error is that of `mse`. RETURNN: MeanL1Loss."""

    def check(self, output: Template, target: Template) -> str | None:
        return problem_of_frames(self.class_name, output, target, True) or super().check(output, target)

    @staticmethod
    def distance(difference: TFTensor) -> TFTensor:
        return tf.abs(difference)


@loss_class("l1")
@dataclass(frozen=True, kw_only=True)
class L1(MeanL1):
    """|x - y|, the sum over features and frames. RETURNN: L1Loss."""

    @staticmethod
    def over_features(distances: TFTensor) -> TFTensor:
        return tf.reduce_sum(distances, axis=-1)
