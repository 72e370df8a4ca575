"""`ema`: the exponential moving average of the parameters over the updates (Polyak and Juditsky 1992).

a ← d·a + (1 − d)·w after each update, for all parameters w of a floating-point type, also those that are not trained at the
moment. Keras's optimizers offer the same formula, but the averages live in an optimizer: they would begin anew with it, and
layers with an optimizer of their own would need others.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy

from boulder.lazy import TFTensor, tf


class ParameterAverages:
    """
    Made within the scope of the replicas.

    :param decay: d, from 0 to below 1
    :param variables: path → variable, of all parameters
    :param initial: path → average so far; a parameter without one begins with its value
    """

    def __init__(
        self, decay: float, variables: Mapping[str, TFTensor], initial: Mapping[str, numpy.ndarray] | None = None
    ) -> None:
        self._decay, self._variables = decay, variables
        self._averages = {
            path: tf.Variable((initial or {}).get(path, variable.numpy()), trainable=False)
            for path, variable in variables.items()
            if variable.dtype.is_floating
        }

    def begin(self, initial: Mapping[str, numpy.ndarray] | None) -> None:
        """:param initial: path → average so far; a parameter without one begins with its value"""
        for path, average in self._averages.items():
            average.assign((initial or {}).get(path, self._variables[path].numpy()))

    @property
    def variables(self) -> dict[str, TFTensor]:
        """:return: path → variable to compute the network with"""
        return {**self._variables, **self._averages}

    def update(self) -> bool:
        """
        To be called after an update, outside of `replicas.run`.

        :return: True, for `tf.cond`
        """
        for path, average in self._averages.items():
            average.assign(average * self._decay + self._variables[path] * (1 - self._decay))
        return True

    def values(self) -> dict[str, numpy.ndarray]:
        """:return: path → array"""
        return {path: average.numpy() for path, average in self._averages.items()}
