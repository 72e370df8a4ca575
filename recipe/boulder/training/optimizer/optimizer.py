"""`Optimizer`: the optimizers of a network's parameters, one for those of all layers unless a layer has its own."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from boulder.lazy import TFTensor, keras, tf
from boulder.private_api import skip_gradient_sum
from boulder.training.optimizer.formula import takes_slices
from boulder.training.optimizer.slots import slot_variables
from boulder.training.optimizer.table import make_optimizer

_GROUP = 10000  # numbers of variables kept for each group, in the keys of values that belong to no parameter


@dataclass(frozen=True)
class Group:
    """
    Parameters that are updated together.

    :param paths: their paths
    :param keras: optimizer of Keras
    """

    paths: tuple[str, ...]
    keras: Any

    def apply(self, gradients: Mapping[str, TFTensor], variables: Mapping[str, TFTensor]) -> None:
        """
        :param gradients: path → gradient
        :param variables: path → variable
        """
        mine = [gradients[path] for path in self.paths]
        if not takes_slices(self.keras):
            mine = [tf.convert_to_tensor(gradient) for gradient in mine]
        self.keras.apply(mine, [variables[path] for path in self.paths])


class Optimizer:
    """
    :param default: options of the optimizer, see `check_optimizer`
    :param epsilon: see `make_optimizer`
    :param variables: path → variable of all parameters; their names are `variable_name` of their positions
    :param own: path → options of the optimizer of this parameter, for layers with their own; {} for those of `default`
    :param periods: path → number of batches whose gradients are accumulated, where it is not 1
    :ivar learning_rate: tf.Variable
    :ivar groups: at least one, with all trained parameters
    """

    def __init__(
        self,
        default: str | Mapping[str, Any],
        epsilon: float,
        variables: Mapping[str, TFTensor],
        own: Mapping[str, str | Mapping[str, Any]] | None = None,
        periods: Mapping[str, int] | None = None,
    ) -> None:
        self._paths = list(variables)
        self.learning_rate = tf.Variable(0.0, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
        base = {"class": default} if isinstance(default, str) else dict(default)
        members: dict[tuple[str, int], dict[str, TFTensor]] = {}
        for path, variable in variables.items():
            if variable.trainable:
                mine = (own or {}).get(path) or base
                options = {"class": mine} if isinstance(mine, str) else {"class": base["class"], **mine}
                key = json.dumps(options, sort_keys=True), (periods or {}).get(path, 1)
                members.setdefault(key, {})[path] = variable
        self.groups = [self._group(json.loads(options), epsilon, group) for (options, _), group in members.items()]

    def _group(self, options: dict[str, Any], epsilon: float, variables: Mapping[str, TFTensor]) -> Group:
        rate = _schedule_class()(self.learning_rate, options.get("learning_rate_multiplier", 1.0))
        optimizer = make_optimizer(options, epsilon, rate)
        skip_gradient_sum(optimizer)
        optimizer.build(list(variables.values()))
        return Group(tuple(variables), optimizer)

    @property
    def iterations(self) -> int:
        """:return: number of updates that the first group has made"""
        return int(self.groups[0].keras.iterations.numpy()) if self.groups else 0

    def slots(self) -> dict[str, dict[str, numpy.ndarray]]:
        """:return: slot name → parameter path → array"""
        slots: dict[str, dict[str, numpy.ndarray]] = {}
        for variable, (slot, key) in self._slot_variables():
            slots.setdefault(slot, {})[key] = variable.numpy()
        return slots

    def set_slots(self, slots: Mapping[str, Mapping[str, numpy.ndarray]], iterations: int) -> None:
        """Invert `slots` and `iterations`."""
        for variable, (slot, key) in self._slot_variables():
            variable.assign(slots[slot][key])
        if self.groups:
            self.groups[0].keras.iterations.assign(iterations)

    def _slot_variables(self) -> Sequence[tuple[TFTensor, tuple[str, str]]]:
        return [
            found
            for number, group in enumerate(self.groups)
            for found in slot_variables(group.keras, self._paths, number * _GROUP, with_count=number > 0)
        ]


@functools.cache
def _schedule_class() -> type:
    class SharedRate(keras.optimizers.schedules.LearningRateSchedule):
        """The value of a variable, as Keras asks for a rate that changes."""

        def __init__(self, rate: TFTensor, factor: float) -> None:
            super().__init__()
            self.rate, self.factor = rate, factor

        def __call__(self, step: TFTensor) -> TFTensor:
            return tf.convert_to_tensor(self.rate) if self.factor == 1 else self.rate * self.factor

    return SharedRate
