"""Base of the losses that compare output and target frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH, BEAM, FEATURE, LOOP, TIME, Axis, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.loss import Loss, LossValue
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True)
class Frames:
    """Output and target of a batch, aligned; all without T if there is no time axis, and [T, B, …] if `frames_of` keeps that order.

    :param output: [B, T, F]
    :param logits: [B, T, F], the output before its softmax; None without a softmax
    :param target: [B, T, F], or class indices [B, T]
    :param mask: bool [B, T], False for padding
    """

    output: TFTensor
    logits: TFTensor
    target: TFTensor
    mask: TFTensor

    def sum(self, values: TFTensor) -> TFTensor:
        """
        :param values: [B, T]
        :return: float32 scalar, sum over all frames without the padding
        """
        return tf.reduce_sum(tf.where(self.mask, values, 0.0))

    @property
    def count(self) -> TFTensor:
        """:return: float32 scalar, number of frames without the padding"""
        return tf.reduce_sum(tf.cast(self.mask, tf.float32))

    @property
    def wrong(self) -> TFTensor:
        """
        :return: float32 [B, T], 1 for frames where the argmax differs from the target. That of the logits saves the softmax where
            nothing else needs it (RETURNN: Loss.get_error)
        """
        scores = self.output if self.logits is None else self.logits
        best = tf.argmax(scores, axis=-1, output_type=tf.int32)
        dense = self.target.shape.rank == self.output.shape.rank
        target = tf.argmax(self.target, axis=-1, output_type=tf.int32) if dense else tf.cast(self.target, tf.int32)
        return tf.cast(best != target, tf.float32)


@dataclass(frozen=True, kw_only=True)
class FrameLoss(Loss):
    """A loss with a cost and an error in each frame."""

    is_framewise: ClassVar[bool] = True

    def of_frames(self, frames: Frames, target: Template) -> tuple[TFTensor, TFTensor]:
        """:return: cost and error, float32 [B, T], any finite numbers in the padding"""
        raise NotImplementedError

    def compute(self, run: LayerRun, output: Tensor, target: Tensor) -> LossValue:
        frames = frames_of(run, output, target, time_may_be_first=True)
        cost, error = self.of_frames(frames, target.template)
        return LossValue(frames.sum(cost), frames.sum(error), frames.count)


def frames_of(run: LayerRun, output: Tensor, target: Tensor, time_may_be_first: bool = False) -> Frames:
    """
    :param output: output of the layer
    :param target: data stream
    :param time_may_be_first: whether an output [T, B, F], as that of a recurrent layer, keeps its order: the target is smaller
    :raises tf.errors.InvalidArgumentError: if their lengths differ
    """
    time, feature = output.template.time, output.template.required(FEATURE)
    outer: tuple[Axis, ...] = (Batch, time) if time else (Batch,)
    if time and time_may_be_first and output.axes[:-1] == (time, Batch):
        outer = (time, Batch)
    x = output.ordered((*outer, feature))
    logits = None if output.logits is None else output.ordered((*outer, feature), output.logits)
    mask = tf.sequence_mask(run.length(time)) if time else tf.ones([tf.shape(x)[0]], tf.bool)
    own = sorted((axis for axis in target.template.axes if axis.kind != FEATURE), key=lambda axis: axis.kind != BATCH)
    if outer[0] == time:
        mask, own = tf.transpose(mask), own[::-1]
    y = target.ordered([*own, *([target.template.feature] if target.template.feature else [])])
    if time:
        y = run.with_same_lengths(y, time, target.template.required(TIME))
    return Frames(x, logits, y, mask)


def further_axes(output: Template) -> list[Axis]:
    """:return: axes beside batch, time and feature, and the loop and beam axes around the layer"""
    known = (output.batch, output.time, output.feature)
    return [axis for axis in output.axes if axis not in known and axis.kind not in (LOOP, BEAM)]


def problem_of_frames(loss: str, output: Template, target: Template, dense: bool | None) -> str | None:
    """
    :param dense: whether the target must have features (True) or class indices (False); None: either
    :return: error message if output and target do not fit, else None
    """
    if dense is False and target.sparse_dim is None:
        return f"loss {loss!r} needs class indices as its target, found {target}"
    if dense and target.feature is None:
        return f"loss {loss!r} needs a target with features, found {target}"
    several = further_axes(output)
    if (output.time is None) != (target.time is None) or several:
        return f"loss {loss!r} compares frame by frame, but the output is {output} and the target {target}"
    return None
