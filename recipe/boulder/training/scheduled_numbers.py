"""Numbers that a schedule may change from phase to phase without another trace: they are inputs of the graph, in one variable."""

from __future__ import annotations

from collections.abc import Mapping

from boulder.lazy import TFTensor, tf
from boulder.network import NetworkSpec
from boulder.network.random_stream import Rate
from boulder.training.objective import factors_of
from boulder.training.param_dropout import param_dropout_rates
from boulder.training.training_options import TrainingOptions
from boulder.training.variational_noise import noise_deviations

Numbers = dict[tuple[str, ...], float]
"""(what it is, of which layer or parameter) → number. Zeros are absent: without them, a graph is another one."""


def numbers_of(spec: NetworkSpec, options: TrainingOptions, num_replicas: int) -> Numbers:
    """:return: factors of the objective, deviations of noise on parameters, and their rates of dropout"""
    return {
        **factors_of(spec, options, num_replicas),
        **{("noise", path): deviation for path, deviation in noise_deviations(options, spec).items()},
        **{("param_dropout", path): rate for path, rate in param_dropout_rates(options, spec).items()},
    }


def rates_of(spec: NetworkSpec) -> Numbers:
    """:return: rates of dropout in layers, and the scales of `Rate`"""
    found: Numbers = {}
    for layer in spec.all_layers():
        for purpose, rate in layer.layer.wrapped.dropout_rates().items():
            found |= {(layer.name, purpose, "rate"): rate, (layer.name, purpose, "scale"): 1 / (1 - rate)}
    return found


class ScheduledNumbers:
    """Made within the scope of the replicas."""

    def __init__(self, numbers: Numbers) -> None:
        self._keys = tuple(numbers)
        self._variable = tf.Variable(
            [float(number) for number in numbers.values()],
            dtype=tf.float32,
            trainable=False,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    def assign(self, numbers: Numbers) -> None:
        """:param numbers: of the same keys"""
        self._variable.assign([float(numbers[key]) for key in self._keys])

    # Compiled

    def read(self) -> dict[tuple[str, ...], TFTensor]:
        """:return: key → float32 scalar"""
        return dict(zip(self._keys, tf.unstack(self._variable), strict=True)) if self._keys else {}

    def read_rates(self) -> dict[tuple[str, str], Rate]:
        """:return: those of `rates_of`: (layer, purpose) → rate of dropout"""
        numbers = self.read()
        return {
            (layer, purpose): Rate(numbers[layer, purpose, "rate"], numbers[layer, purpose, "scale"])
            for layer, purpose, _ in numbers
        }


def of_kind(numbers: Mapping[tuple[str, ...], TFTensor], kind: str) -> dict[str, TFTensor]:
    """:return: layer or parameter → number"""
    return {name: number for (found, name), number in numbers.items() if found == kind}
