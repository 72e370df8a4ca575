"""What losses that compare frame by frame have in common."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.network.axes import BEAM, FEATURE, LOOP, Axis, Batch
from boulder.network.template import Template


@dataclass(frozen=True)
class Frames:
    """
    :param output: [B, T, F], or [B, F] without time
    :param logits: the same before a softmax, None if there was none
    :param target: [B, T] class indices, or [B, T, F]; or without T
    :param mask: bool [B, T] or [B]: what is no padding
    """

    output: object
    logits: object
    target: object
    mask: object

    def sum(self, values):
        """
        :param values: one for each frame
        :return: float32 scalar, without the padding
        """
        return tf.reduce_sum(tf.where(self.mask, values, 0.0))

    @property
    def count(self):
        """:return: float32 scalar, how many frames there are"""
        return tf.reduce_sum(tf.cast(self.mask, tf.float32))

    @property
    def wrong(self):
        """:return: float32 scalar: frames whose best entry is another than the target's (RETURNN: Loss.get_error)"""
        best = tf.argmax(self.output, axis=-1, output_type=tf.int32)
        dense = self.target.shape.rank == self.output.shape.rank
        target = tf.argmax(self.target, axis=-1, output_type=tf.int32) if dense else tf.cast(self.target, tf.int32)
        return self.sum(tf.cast(best != target, tf.float32))


def frames_of(run, output, target) -> Frames:
    """
    :param run: `boulder.network.run.LayerRun`
    :param output: Tensor
    :param target: Tensor of the data stream; its lengths must be the output's
    """
    time, feature = output.template.time, output.template.feature
    if time:
        run.check_same_lengths(time, target.template.time)
    axes = (Batch, time, feature) if time else (Batch, feature)
    logits = None if output.logits is None else output.ordered(axes, output.logits)
    x = output.ordered(axes)
    mask = tf.sequence_mask(run.length(time)) if time else tf.ones([tf.shape(x)[0]], tf.bool)
    own = [axis for axis in target.template.axes if axis.kind != FEATURE]
    y = target.ordered([*own, *([target.template.feature] if target.template.feature else [])])
    return Frames(x, logits, y, mask)


def further_axes(output: Template) -> list[Axis]:
    """:return: what there is beside sequences of frames"""
    known = (output.batch, output.time, output.feature)
    return [axis for axis in output.axes if axis not in known and axis.kind not in (LOOP, BEAM)]


def problem_of_frames(loss: str, output: Template, target: Template, dense: bool | None) -> str | None:
    """
    :param dense: whether the target must have features (True) or class indices (False); None: either
    :return: what does not fit, as a sentence's end
    """
    if dense is False and target.sparse_dim is None:
        return f"loss {loss!r} needs class indices as its target, found {target}"
    if dense and target.feature is None:
        return f"loss {loss!r} needs a target with features, found {target}"
    several = further_axes(output)
    if (output.time is None) != (target.time is None) or several:
        return f"loss {loss!r} compares frame by frame, but the output is {output} and the target {target}"
    return None
