"""The frames of each sequence backwards, its padding in place: what `tf.reverse_sequence` computes, as one copy of whole frames.

The layers of a network share the order of the frames, which depends on the lengths only.
"""

from __future__ import annotations

from collections.abc import Callable

from boulder.lazy import TFTensor, tf


def reversal(lengths: TFTensor, frames: TFTensor) -> TFTensor:
    """
    :param lengths: int32 [N]
    :param frames: T, int32 scalar, to which sequences are padded
    :return: int32 [T, N], for each place the row of [T · N, …] that comes there
    """
    count, frame = tf.shape(lengths)[0], tf.range(frames)[:, tf.newaxis]
    return tf.where(frame < lengths, lengths - 1 - frame, frame) * count + tf.range(count)


def in_order(value: TFTensor, order: TFTensor, train: bool = True) -> TFTensor:
    """
    :param value: [T, N, F]
    :param order: of `reversal`; it is its own inverse, so that the gradient is put in the same order
    :param train: whether a gradient is likely needed: TensorFlow's own adds up rows
    :return: [T, N, F]
    """

    def gathered(value: TFTensor) -> TFTensor:
        return tf.gather(tf.reshape(value, [-1, value.shape[-1]]), order)

    @tf.custom_gradient
    def with_gradient(value: TFTensor) -> tuple[TFTensor, Callable[[TFTensor], TFTensor]]:
        return gathered(value), lambda gradient: in_order(gradient, order)

    return with_gradient(value) if train else gathered(value)
