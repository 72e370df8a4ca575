"""Dropout on a layer's input."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from boulder.lazy import TFTensor, tf
from boulder.network.axes import LOOP, Axis
from boulder.network.random_stream import RandomStream
from boulder.network.template import Template
from boulder.network.tensor import Tensor


@dataclass(frozen=True)
class InputDropout:
    """
    :param rate: probability with which an entry is dropped
    :param shared: template of the input → axes along which one choice holds for all entries
    :param shares_frames: whether the iterations of a loop share one choice
    :param on_forward: drop entries outside of training too
    """

    rate: float = 0.0
    shared: Callable[[Template], Collection[Axis]] = lambda _template: ()
    shares_frames: bool = True
    on_forward: bool = False

    def apply(self, x: Tensor, random: RandomStream) -> Tensor:
        """
        Drops entries of `x` in training, or always.

        Where the iterations of a loop draw independently, a layer that is computed for all iterations at once draws the
        numbers that it would draw iteration by iteration.
        """
        if not self.rate or not (random.train or self.on_forward):
            return x
        random = replace(random, train=True)
        axes = self.shared(x.template)
        shared = [axis in axes for axis in x.axes]
        if not self.shares_frames and LOOP in {axis.kind for axis in x.axes}:
            value = self._iteration_by_iteration(x, shared, random)
        else:
            value = random.drop(x.value, self.rate, "input", shared, None if self.shares_frames else random.frame)
        return Tensor(value, x.axes, x.template)

    def _iteration_by_iteration(self, x: Tensor, shared: Sequence[bool], random: RandomStream) -> TFTensor:
        position = next(i for i, axis in enumerate(x.axes) if axis.kind == LOOP)
        order = [position, *(i for i in range(len(x.axes)) if i != position)]
        frames = tf.transpose(x.value, order)
        inner = [shared[i] for i in order[1:]]
        dropped = tf.map_fn(
            lambda item: random.drop(item[1], self.rate, "input", inner, item[0]),
            (tf.range(tf.shape(frames)[0]), frames),
            fn_output_signature=frames.dtype,
        )
        dropped.set_shape(frames.shape)
        return tf.transpose(dropped, [order.index(i) for i in range(len(order))])
