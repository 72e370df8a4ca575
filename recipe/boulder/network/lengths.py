"""Sequence lengths along the dynamic axes of a batch, and the masks that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.axes import LOOP, Axis, Batch
from boulder.network.reversal import reversal
from boulder.network.template import Template
from boulder.network.tensor import Tensor


class Lengths:
    """
    Lengths by time axis. Those along a loop's axis are the lengths along the time axis that it is outside of the loop.

    Most lengths are int32 [B]. Those of hypotheses in a search are int32 [B, beam].
    """

    def __init__(self) -> None:
        self._lengths: dict[Axis, Callable[[], TFTensor]] = {}  # called in the graph that asks, which may be a loop's
        self._axes: dict[Axis, tuple[Axis, ...]] = {}  # of lengths that are not [B]
        self._stream: TFTensor = None
        self._made: dict[tuple[Any, ...], TFTensor] = {}  # what follows from lengths, by graph

    def copy(self) -> Lengths:
        """:return: lengths that may be added to without changing these"""
        result = Lengths()
        result._lengths, result._axes, result._stream = {**self._lengths}, {**self._axes}, self._stream
        return result

    def add_stream(self, value: TFTensor) -> None:
        """:param value: a data stream; its first dimension is the batch"""
        if self._stream is None:
            self._stream = value

    @property
    def batch_size(self) -> TFTensor:
        """:return: int32 scalar"""
        return self._once("batch size", lambda: tf.shape(self._stream)[0])

    def all(self) -> dict[Axis, TFTensor]:
        """:return: time axis → lengths, without those that only an iteration of a loop has"""
        return {time: lengths() for time, lengths in self._lengths.items() if self._axes.get(time) != ()}

    def of(self, time: Axis) -> TFTensor:
        """:return: int32 [B], or int32 of the shape of `axes(time)`"""
        if time.size:
            return tf.fill([self.batch_size], time.size)
        if not self.has(time):
            raise NetworkError(f"no layer and no data stream that the network reads gives the lengths along {time}")
        return self._lengths[time.as_time()]()

    def axes(self, time: Axis) -> tuple[Axis, ...]:
        """:return: axes of the lengths along `time`"""
        return self._axes.get(time.as_time(), (Batch,))

    def has(self, time: Axis) -> bool:
        return time.as_time() in self._lengths

    def checked(self, value: TFTensor, layer: str, time: Axis, other: Axis) -> TFTensor:
        """
        Fails at run time if the lengths along two axes differ, see `boulder.network.equal_lengths`.

        :param layer: for the message
        :return: `value`, which waits for the check
        """
        axes = tuple(dict.fromkeys((Batch, *self.axes(time), *self.axes(other))))
        first, second = self.over(axes, time), self.over(axes, other)
        same = tf.reshape(tf.equal(first, second), [-1])
        first, second = (tf.reshape(tf.broadcast_to(n, tf.shape(first + second)), [-1]) for n in (first, second))
        at = tf.argmin(tf.cast(same, tf.int32), output_type=tf.int32)  # the first that differs
        seq = at // (tf.size(same) // tf.maximum(1, self.batch_size)) if len(axes) > 1 else at
        found = [f"layer {layer!r}: lengths along {time} and {other} differ", seq, first[at], second[at]]
        with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(same), found)]):
            return tf.identity(value)

    def shared(self, value: TFTensor, layer: str, time: Axis, other: Axis) -> TFTensor:
        """
        Takes the lengths along `time` for those along `other`, unless they are known and must be the same.

        :param layer: for the message
        :return: `value`, which waits for the check
        """
        if self.has(other):
            return self.checked(value, layer, time, other)
        self.set_from(other, time, lambda lengths: lengths)
        return value

    def set(self, time: Axis, lengths: TFTensor, axes: tuple[Axis, ...] = (Batch,)) -> None:
        """
        :param lengths: int32
        :param axes: axes of `lengths`
        """
        self._lengths[time.as_time()] = lambda: lengths
        self._axes[time.as_time()] = axes

    def set_of_iteration(self, time: Axis, length: TFTensor) -> None:
        """
        Sets the length along an axis that grows with the iterations of a loop.

        :param length: int32 scalar, of all sequences in this iteration
        """
        self._lengths[time.as_time()] = lambda: length
        self._axes[time.as_time()] = ()

    def set_from(self, time: Axis, old: Axis, function: Callable[[TFTensor], TFTensor]) -> None:
        """
        Derives lengths, unless those along `time` are known.

        They stay known outside of the loop in which the axis is made.

        :param function: lengths along `old` → lengths along `time`
        """
        self.define(time, self.axes(old), lambda: function(self.of(old)))

    def define(self, time: Axis, axes: tuple[Axis, ...], function: Callable[[], TFTensor]) -> None:
        """
        Like `set_from`, for lengths that depend on those along several axes.

        :param axes: axes of the lengths
        :param function: computes them from other lengths
        """
        if time.as_time() not in self._lengths:
            self._lengths[time.as_time()] = function
            self._axes[time.as_time()] = axes

    def longest(self, time: Axis) -> TFTensor:
        """:return: int32 scalar, the length to which sequences are padded"""
        # without frames of an outer axis there is no largest one
        return self._of_lengths(time, "longest", lambda lengths: tf.maximum(0, tf.reduce_max(lengths)))

    def mask(self, time: Axis) -> TFTensor:
        """:return: float32 [B, T], 1 for frames and 0 for padding"""
        return self._of_lengths(time, "mask", lambda lengths: tf.sequence_mask(lengths, dtype=tf.float32))

    def reversal(self, time: Axis) -> TFTensor:
        """:return: int32 [T, B], see `boulder.network.reversal`"""
        return self._of_lengths(time, "reversal", lambda lengths: reversal(lengths, self.longest(time)))

    def over(self, axes: Sequence[Axis], time: Axis) -> TFTensor:
        """:return: int32, lengths along `time`, with the dimensions `axes`, of size 1 where they do not depend on one"""
        own = _as_in(axes, self.axes(time))
        return Tensor(self.of(time), own, Template(own, "int32")).ordered(axes)

    def mask_over(self, axes: Sequence[Axis], time: Axis) -> TFTensor:
        """:return: bool, True for frames along `time`, with the dimensions `axes`, of size 1 where it does not depend on one"""
        own = (*_as_in(axes, self.axes(time)), time)
        mask = self._of_lengths(time, "bool mask", tf.sequence_mask)
        return Tensor(mask, own, Template(own, "bool")).ordered(axes)

    def _of_lengths(self, time: Axis, what: str, compute: Callable[[TFTensor], TFTensor]) -> TFTensor:
        """
        :param compute: lengths along `time` → result
        :return: the result, which all layers in a graph share
        """
        given = time.size or self._lengths.get(time.as_time())
        return self._once((what, given), lambda: compute(self.of(time)))

    def _once(self, what: object, compute: Callable[[], TFTensor]) -> TFTensor:
        graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
        key = (graph, what)
        if key not in self._made:
            self._made[key] = compute()
        return self._made[key]


def _as_in(axes: Sequence[Axis], own: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """:return: axes of lengths; the iterations of a loop as time, where `axes` are those of a tensor outside of the loop"""
    return tuple(a.as_time() if a not in axes and a.as_time() in axes and a.kind == LOOP else a for a in own)
