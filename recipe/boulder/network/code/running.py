"""Which layer's code is running: random numbers inside it are the layer's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from boulder.errors import NetworkError
from boulder.lazy import tf

_running: list[RunningCode] = []


class RunningCode:
    """The code of one layer, while it runs."""

    def __init__(self, run) -> None:
        """
        :param run: `boulder.network.run.LayerRun`
        """
        self.run = run
        self._calls = 0
        self._iterations: list = []
        self._depth = _loop_depth()

    def seed(self, given: int | None = None):
        """
        Of the next random numbers: another at each call, in each iteration of a loop, and at each step.

        :param given: `seed=` of the call: calls that give the same have the same numbers, as in TensorFlow
        :return: int64 [2]
        :raises NetworkError: inside a loop whose iterations are not counted
        """
        if _loop_depth() - self._depth > len(self._iterations):
            raise NetworkError(
                "random numbers would be the same in each iteration of this loop, expected tf.while_loop or tf.map_fn"
            )
        if given is None:
            what, self._calls = f"call {self._calls}", self._calls + 1
        else:
            what = f"seed {given}"
        seed = self.run.random_seed(what)
        of_loop = [] if self.run.frame is None else [self.run.frame]
        for iteration in (*of_loop, *self._iterations):
            seed = tf.random.experimental.stateless_fold_in(seed, tf.cast(iteration, tf.int64))
        return seed

    @contextlib.contextmanager
    def iteration(self, number) -> Iterator[None]:
        """:param number: scalar int tensor, of the iteration of a loop that is being built"""
        self._iterations.append(number)
        try:
            yield
        finally:
            self._iterations.pop()


@contextlib.contextmanager
def code_of(run) -> Iterator[None]:
    """:param run: `boulder.network.run.LayerRun` of the layer whose code runs now"""
    _running.append(RunningCode(run))
    try:
        yield
    finally:
        _running.pop()


def running_code() -> RunningCode | None:
    """:return: None outside of layers"""
    return _running[-1] if _running else None


def _loop_depth() -> int:
    """:return: how many bodies of tf.while_loop, which scan, foldl and map_fn are made of, are being built"""
    graph, depth = tf.compat.v1.get_default_graph(), 0
    while graph is not None:
        depth += type(graph).__name__ == "WhileBodyFuncGraph"
        graph = getattr(graph, "outer_graph", None)
    return depth
