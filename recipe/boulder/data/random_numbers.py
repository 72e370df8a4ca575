"""The random numbers of a data set: those of RETURNN, from a seed, or Boulder's own, from a seed and an epoch."""

from random import Random
from typing import Any, Protocol

import numpy as np


class Shuffling(Protocol):
    """What orders draw. The numbers depend on all that was drawn before."""

    def permutation(self, x: int | np.ndarray) -> np.ndarray:
        """:return: a permutation of `x`, or of the numbers below `x`"""

    def randint(self, low: int, high: int, size: int) -> np.ndarray:
        """:return: int [size], from `low` to `high - 1`"""


def returnn_numbers(seed: int) -> Shuffling:
    """
    RETURNN's random numbers: the generator that NumPy has frozen.

    :param seed: 0 to 2**32 - 1
    """
    return np.random.RandomState(seed)


class OwnNumbers:
    """
    Boulder's random numbers, made of raw bits: NumPy guarantees the raw stream of a bit generator, but not the result of
    `Generator.permutation`.

    :param seed: 0 or more
    :param epoch: counted from 1
    """

    def __init__(self, seed: int, epoch: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, epoch]))

    def permutation(self, x: int | np.ndarray) -> np.ndarray:
        size = x if isinstance(x, int) else len(x)
        order = np.argsort(self._bits.random_raw(size), kind="stable")
        return order if isinstance(x, int) else x[order]

    def randint(self, low: int, high: int, size: int) -> np.ndarray:
        return low + (self._bits.random_raw(size) % np.uint64(high - low)).astype("int64")


def python_numbers(seed: int) -> np.random.RandomState:
    """:return: a generator whose `random_sample` continues as `random.Random(seed).random` does, but for whole arrays"""
    _, state, _ = Random(seed).getstate()
    generator = np.random.RandomState(0)
    generator.set_state(("MT19937", np.array(state[:-1], np.uint32), state[-1], 0, 0.0))
    return generator


class CountedNumbers(np.random.RandomState):
    """
    `python_numbers`, which can be continued from any place.

    :param skipped: so many numbers have been drawn before
    :ivar drawn: number of numbers drawn so far, with these
    """

    def __init__(self, seed: int, skipped: int = 0) -> None:
        super().__init__(0)
        self.set_state(python_numbers(seed).get_state())
        self.drawn = 0
        self.random_sample(skipped)

    def random_sample(self, size: Any = None) -> Any:
        self.drawn += 1 if size is None else int(np.prod(size))
        return super().random_sample(size)
