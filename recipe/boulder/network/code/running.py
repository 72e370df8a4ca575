"""The layer whose code is running: random numbers drawn by its code come from its stream."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.random_stream import RandomStream
from boulder.private_api import while_loop_depth

_running: list[RunningCode] = []


class RunningCode:
    """The code of one layer, while it runs."""

    def __init__(self, random: RandomStream) -> None:
        """
        :param random: the layer's random numbers
        """
        self.random = random
        self._calls = 0
        self._iterations: list[TFTensor] = []
        self._depth = while_loop_depth()

    def seed(self, given: int | None = None) -> TFTensor:
        """
        Returns the seed of the next random numbers. It differs between calls, iterations of a loop, and steps.

        :param given: `seed=` of the call: calls with the same seed draw the same numbers, as in TensorFlow
        :return: int64 [2]
        :raises NetworkError: inside a loop whose iterations are not counted
        """
        if while_loop_depth() - self._depth > len(self._iterations):
            raise NetworkError(
                "random numbers would be the same in each iteration of this loop, expected tf.while_loop or tf.map_fn"
            )
        if given is None:
            purpose, self._calls = f"call {self._calls}", self._calls + 1
        else:
            purpose = f"seed {given}"
        seed = self.random.seed_of(purpose)
        of_loop = [] if self.random.frame is None else [self.random.frame]
        for iteration in (*of_loop, *self._iterations):
            seed = tf.random.experimental.stateless_fold_in(seed, tf.cast(iteration, tf.int64))
        return seed

    @contextlib.contextmanager
    def iteration(self, number: TFTensor) -> Iterator[None]:
        """:param number: scalar int tensor, number of the iteration of a loop whose body is being built"""
        self._iterations.append(number)
        try:
            yield
        finally:
            self._iterations.pop()


@contextlib.contextmanager
def code_of(random: RandomStream) -> Iterator[None]:
    """:param random: random numbers of the layer whose code runs now"""
    _running.append(RunningCode(random))
    try:
        yield
    finally:
        _running.pop()


def running_code() -> RunningCode | None:
    """:return: None outside of layers"""
    return _running[-1] if _running else None
