"""Random numbers of a layer, from stateless random functions.

They are a function of the seed, the layer's name, the step and, where asked for, the frame of a loop. So a training that is
resumed draws the numbers that it would have drawn without the interruption.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from boulder.lazy import TFTensor, tf

_AUTOMATIC = 3
"""TensorFlow's number of the algorithm that `tf.random.stateless_uniform` takes by default"""


class Rate(NamedTuple):
    """
    A rate of dropout that is an input of the graph.

    :param rate: probability with which an entry is dropped, float32 scalar
    :param scale: factor of the others, 1 / (1 - rate), float32 scalar
    """

    rate: TFTensor
    scale: TFTensor


@dataclass(frozen=True)
class RandomStream:
    """
    :param layer: absolute name of the layer
    :param seed: seed of the training
    :param update: scalar tensor or int, number of the update
    :param train: whether the network is being trained, so that there is dropout
    :param frame: int32 scalar, number of the iteration; None outside of loops, or where all iterations are computed at once
    :param rates: purpose → rate of dropout that is an input of the graph
    """

    layer: str
    seed: int
    update: TFTensor
    train: bool
    frame: TFTensor = None
    rates: Mapping[str, Rate] = field(default_factory=dict)

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
        Applies dropout in training. As in RETURNN, entries are multiplied by 0 or by 1 / (1 - rate).

        :param value: float tensor
        :param rate: probability with which an entry is dropped; if it is not 0, that of `rates` counts where it has one
        :param purpose: separates the layer's random numbers for different uses, e.g. "input"
        :param shared: for each axis, whether one choice holds for all entries along it
        :param frame: int32 scalar, number of the iteration of a loop, if each iteration draws anew
        """
        if not rate or not self.train:
            return value
        value = tf.convert_to_tensor(value)
        drawn = uniform(_noise_shape(value, shared), self.seed_of(purpose, frame), value.dtype)
        if purpose in self.rates:
            limit, scale = (tf.cast(number, value.dtype) for number in self.rates[purpose])
        else:
            limit, scale = rate, tf.constant(1 / (1 - rate), value.dtype)
        mask = tf.where(drawn >= limit, scale, tf.zeros([], value.dtype))
        return value * tf.stop_gradient(mask)  # a loop would compute the gradient of its inputs


def uniform(shape: TFTensor | Sequence[int], seed: TFTensor, dtype: Any = None) -> TFTensor:
    """
    :param seed: int64 [2]
    :return: uniformly distributed in [0, 1); the numbers of `tf.random.stateless_uniform`, by a third of its operations
    """
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    return tf.raw_ops.StatelessRandomUniformV2(
        shape=shape, key=key, counter=counter, alg=_AUTOMATIC, dtype=dtype or tf.float32
    )


def _noise_shape(value: TFTensor, shared: Sequence[bool] | None) -> TFTensor | list[int]:
    """:return: shape of the choices for `value`; a list where it is known while the graph is built"""
    static = value.shape.as_list()
    if shared is not None:
        static = [1 if one else size for one, size in zip(shared, static, strict=True)]
    if None not in static:
        return static
    sizes = tf.shape(value)
    return tf.stack([sizes[i] if size is None else size for i, size in enumerate(static)])
