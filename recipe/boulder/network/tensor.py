"""A TensorFlow tensor that knows its axes by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network import activations
from boulder.network.axes import FEATURE, Axis
from boulder.network.template import Template


@dataclass(frozen=True, eq=False)
class Memory:
    """
    What a layer remembers.

    :param first: of a layer that goes along with a loop, computed for all frames at once: its output before the first frame
    :param last: key → what it remembers after the last frame of a sequence; along with a loop, after each frame
    """

    first: Tensor | None
    last: Mapping[str | None, Tensor]


@dataclass(frozen=True, eq=False)
class Tensor:
    """
    :param value: tf.Tensor with one dimension for each of `axes`, in their order
    :param axes: the order in memory; time-major layers keep theirs, and who needs another asks for it
    :param template: what it is; the same axes, in the order in which they are told
    :param logits: tf.Tensor like `value`, before a softmax: losses are exact and stable on them
    :param memory: of a layer that has one

    A time axis is as long as the longest sequence in the batch, no longer.
    """

    value: TFTensor
    axes: tuple[Axis, ...]
    template: Template
    logits: TFTensor = None
    memory: Memory | None = None

    def made(self, value: TFTensor, axes: Sequence[Axis], template: Template) -> Tensor:
        """:return: a tensor that a layer made of this one"""
        return Tensor(value, tuple(axes), template)

    def renamed(self, axes: Mapping[Axis, Axis], template: Template) -> Tensor:
        """
        :param axes: old → new
        :return: the same values under other names
        """
        return Tensor(self.value, tuple(axes.get(axis, axis) for axis in self.axes), template, self.logits)

    def mapped(self, function: Callable[[TFTensor], TFTensor]) -> Tensor:
        """:return: `function` of each entry"""
        return Tensor(function(self.value), self.axes, self.template)

    def ordered(self, axes: Sequence[Axis], value: TFTensor = None) -> TFTensor:
        """
        :param axes: all of this tensor's axes, or more: for one that it lacks there is a dimension of size 1
        :return: tf.Tensor with its dimensions in that order
        """
        value = self.value if value is None else value
        own = [axis for axis in axes if axis in self.axes]
        permutation = [self.axes.index(axis) for axis in own]
        if permutation != sorted(permutation):
            value = tf.transpose(value, permutation)
        for position, axis in enumerate(axes):
            if axis not in self.axes:
                value = tf.expand_dims(value, position)
        return value

    def logits_ordered(self, axes: Sequence[Axis]) -> TFTensor:
        """:return: as `ordered`, of the values before the softmax; where there was none, of log values"""
        if self.logits is not None:
            return self.ordered(axes, self.logits)
        return tf.math.log(tf.maximum(self.ordered(axes), 1e-20))

    def collapsed(
        self, inner: Sequence[Axis]
    ) -> tuple[TFTensor, Callable[[TFTensor, Sequence[Axis], Template], Tensor]]:
        """
        Merges all other axes into one, for operations that take a fixed number of dimensions.

        :param inner: some of this tensor's axes
        :return: tf.Tensor [N, *inner]; and its inverse, a function (tf.Tensor [N, *new], new axes, template) → Tensor
        """
        outer = [axis for axis in self.axes if axis not in inner]
        value = self.ordered([*outer, *inner])
        shape = tf.shape(value)
        flat = tf.reshape(value, tf.concat([[-1], shape[len(outer) :]], 0))
        flat.set_shape([None, *value.shape[len(outer) :]])

        def restore(result: TFTensor, new: Sequence[Axis], template: Template) -> Tensor:
            full = tf.reshape(result, tf.concat([shape[: len(outer)], tf.shape(result)[1:]], 0))
            full.set_shape([*value.shape[: len(outer)], *result.shape[1:]])
            return Tensor(full, (*outer, *new), template)

        return flat, restore

    def feature_last(self) -> Tensor:
        axes = (*(a for a in self.axes if a.kind != FEATURE), *(a for a in self.axes if a.kind == FEATURE))
        return Tensor(self.ordered(axes), axes, self.template)

    def activated(self, name: str | None) -> Tensor:
        """:return: the activation function of that name, of this"""
        x = self.feature_last()
        logits = x.value if name == "softmax" else None
        return Tensor(activations.apply(name, x.value), x.axes, x.template, logits)
