"""Batch, iterations of a loop and hypotheses as one axis, as code in net dicts expects them.

RETURNN runs the code in each frame of a loop and puts the hypotheses of a search into the batch, so that code may name an axis
by its position: `tf.argmax(source(0), axis=1)`. Here a layer of a loop may be computed for all frames at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from boulder.lazy import TFTensor, tf
from boulder.network.axes import OUTER, Axis, Batch
from boulder.network.layer_run import LayerRun
from boulder.network.tensor import Tensor


class OuterAxes:
    """The axes of kinds `OUTER` of the sources of a layer; merged into the batch axis, if there are several."""

    def __init__(self, run: LayerRun, sources: Sequence[Tensor]) -> None:
        self.run = run
        widest = max(sources, key=lambda source: len(source.axes), default=None)
        ordered = (widest, *sources) if widest else ()
        self.axes = tuple(dict.fromkeys(axis for x in ordered for axis in x.axes if axis.kind in OUTER))

    @property
    def are_merged(self) -> bool:
        return Batch in self.axes and len(self.axes) > 1

    def merged(self, x: Tensor) -> Tensor:
        """:return: `x` with the batch axis in place of all outer axes; unchanged if it has none of them"""
        own = [axis for axis in x.axes if axis.kind in OUTER]
        if not self.are_merged or not own:
            return x
        at = x.axes.index(own[0])
        before = [axis for axis in x.axes[:at] if axis not in own]
        after = [axis for axis in x.axes[at:] if axis not in own]
        value = x.ordered([*before, *self.axes, *after])
        shape, n = tf.shape(value), len(before)
        full = tf.concat([shape[:n], self.run.shape(self.axes), shape[n + len(self.axes) :]], 0)
        if set(self.axes) - set(own):
            value = tf.broadcast_to(value, full)
        value = tf.reshape(value, tf.concat([shape[:n], [-1], shape[n + len(self.axes) :]], 0))
        axes = (*before, Batch, *after)
        value.set_shape([axis.size for axis in axes])
        in_template = [axis for axis in x.template.axes if axis.kind not in OUTER or axis == own[0]]
        template = replace(x.template, axes=tuple(Batch if axis == own[0] else axis for axis in in_template))
        return Tensor(value, axes, template)

    def split(self, value: TFTensor, axes: Sequence[Axis]) -> tuple[TFTensor, tuple[Axis, ...]]:
        """
        The inverse of `merged`.

        :param axes: axes of `value`
        :return: the value with the outer axes, and its axes
        """
        if not self.are_merged or Batch not in axes:
            return value, tuple(axes)
        at, shape = axes.index(Batch), tf.shape(value)
        result = tf.reshape(value, tf.concat([shape[:at], self.run.shape(self.axes), shape[at + 1 :]], 0))
        result.set_shape([*value.shape[:at], *(axis.size for axis in self.axes), *value.shape[at + 1 :]])
        return result, (*axes[:at], *self.axes, *axes[at + 1 :])

    def length(self, time: Axis) -> TFTensor:
        """:return: int32 [B], lengths along `time`, for each entry of the merged batch axis"""
        if not self.are_merged:
            return self.run.length(time)
        lengths = tf.broadcast_to(self.run.length_over(self.axes, time), self.run.shape(self.axes))
        return tf.reshape(lengths, [-1])
