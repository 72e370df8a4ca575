"""Random numbers of a layer, from stateless random functions.

They are a function of the seed, the layer's name, the step and, where asked for, the frame of a loop. So a training that is
resumed draws the numbers that it would have drawn without the interruption.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from boulder.lazy import TFTensor, tf


@dataclass(frozen=True)
class RandomStream:
    """
    :param layer: absolute name of the layer
    :param seed: seed of the training
    :param update: scalar tensor or int, number of the update
    :param train: whether the network is being trained, so that there is dropout
    :param frame: int32 scalar, number of the iteration; None outside of loops, or where all iterations are computed at once
    """

    layer: str
    seed: int
    update: TFTensor
    train: bool
    frame: TFTensor = None

    @property
    def step(self) -> TFTensor:
        """:return: int64 scalar, number of the update"""
        return tf.cast(self.update, tf.int64)

    def seed_of(self, purpose: str, frame: TFTensor = None) -> TFTensor:
        """
        :param purpose: separates the layer's random numbers for different uses, e.g. "input"
        :param frame: int32 scalar, number of the iteration of a loop, if each iteration draws anew
        :return: int64 [2], a seed for TensorFlow's stateless random functions, different in each step
        """
        digest = hashlib.sha256(f"{self.seed}:{self.layer}:{purpose}".encode()).digest()
        stream = int.from_bytes(digest[:8], "big", signed=True)
        seed = tf.stack([tf.constant(stream, tf.int64), self.step])
        return seed if frame is None else tf.random.experimental.stateless_fold_in(seed, frame)

    def drop(
        self, value: TFTensor, rate: float, purpose: str, shared: Sequence[bool] | None = None, frame: TFTensor = None
    ) -> TFTensor:
        """
        Applies dropout in training.

        :param value: float tensor
        :param rate: probability with which an entry is set to 0; other entries are divided by 1 - rate
        :param purpose: separates the layer's random numbers for different uses, e.g. "input"
        :param shared: for each axis, whether one choice holds for all entries along it
        :param frame: int32 scalar, number of the iteration of a loop, if each iteration draws anew
        """
        if not rate or not self.train:
            return value
        value, seed = tf.convert_to_tensor(value), self.seed_of(purpose, frame)
        shape = tf.shape(value) if shared is None else tf.where(shared, 1, tf.shape(value))
        uniform = tf.random.stateless_uniform(shape, seed, dtype=value.dtype)
        return tf.where(uniform >= rate, value / (1 - rate), tf.zeros_like(value))
