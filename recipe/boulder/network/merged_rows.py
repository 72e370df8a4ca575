"""The axes beside time and features as one dimension, as recurrent units take a batch."""

from __future__ import annotations

from collections.abc import Sequence

from boulder.lazy import TFTensor, tf
from boulder.network.axes import Axis


class MergedRows:
    """
    Nothing is computed where there is one such axis, as in most networks.

    :param value: [T, *outer, F]
    :param outer: the axes to merge
    """

    def __init__(self, value: TFTensor, outer: Sequence[Axis]) -> None:
        self._value, self._is_one = value, len(outer) == 1
        self._sizes = None if self._is_one else tf.shape(value)[1:-1]

    @property
    def sizes(self) -> TFTensor:
        """:return: int32 [number of axes]"""
        return tf.shape(self._value)[1:-1] if self._is_one else self._sizes

    @property
    def frames(self) -> TFTensor:
        """:return: [T, N, F]"""
        if self._is_one:
            return self._value
        shape = [tf.shape(self._value)[0], tf.reduce_prod(self._sizes), self._value.shape[-1]]
        return tf.reshape(self._value, shape)

    def merged(self, state: TFTensor) -> TFTensor:
        """
        :param state: [*outer, n]
        :return: [N, n]
        """
        return state if self._is_one else tf.reshape(state, [-1, state.shape[-1]])

    def restored(self, value: TFTensor, with_time: bool) -> TFTensor:
        """
        :param value: [N, n], or [T, N, n] `with_time`
        :return: [*outer, n], or [T, *outer, n]
        """
        if self._is_one:
            return value
        sizes = [tf.shape(value)[:1], self._sizes] if with_time else [self._sizes]
        return tf.reshape(value, tf.concat([*sizes, [value.shape[-1]]], 0))
