"""`Formula`: an optimizer as one formula for one parameter, and the Keras optimizer that applies it."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from boulder.lazy import TFTensor, keras, tf


@dataclass(frozen=True)
class Step:
    """
    What an update of one parameter starts from.

    :param gradient: of the parameter's shape
    :param value: the parameter
    :param slots: slot name → value, of the parameter's shape
    :param rate: learning rate, a scalar
    :param count: number of this update, 1 for the first, a float scalar
    """

    gradient: TFTensor
    value: TFTensor
    slots: Mapping[str, TFTensor]
    rate: TFTensor
    count: TFTensor


@dataclass(frozen=True)
class Formula(ABC):
    """The fields of a subclass are options of the optimizer."""

    waits: ClassVar[Literal["", "value", "all"]] = ""
    """what of a row stays as it is while the gradient lacks the row, as in TensorFlow 1's sparse updates: nothing, the
    parameter, or the slots, too"""

    @abstractmethod
    def initial(self) -> Mapping[str, float]:
        """:return: slot name → initial value of all entries"""

    @abstractmethod
    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        """:return: the new parameter, and slot name → new value"""

    def prepared(self, gradient: TFTensor) -> TFTensor:
        """:return: the gradient to use, from a tensor or `tf.IndexedSlices`"""
        return gradient


def keras_optimizer(formula: Formula, learning_rate: Any) -> Any:
    """:return: an optimizer of Keras"""
    return _keras_class()(formula, learning_rate)


def takes_slices(optimizer: Any) -> bool:
    """
    :param optimizer: an optimizer of Keras
    :return: whether rows without a gradient matter to it, so that a gradient may be `tf.IndexedSlices`
    """
    formula = getattr(optimizer, "formula", None)
    return isinstance(formula, Formula)


@functools.cache
def _keras_class() -> type:
    class FormulaOptimizer(keras.optimizers.Optimizer):
        def __init__(self, formula: Formula, learning_rate: Any) -> None:
            super().__init__(learning_rate=learning_rate, name=type(formula).__name__.lower())
            self.formula = formula

        def build(self, variables: list[TFTensor]) -> None:
            if self.built:
                return
            super().build(variables)
            self._of_slot = {}
            for slot, value in self.formula.initial().items():
                initializer = keras.initializers.Constant(value)
                self._of_slot[slot] = self.add_optimizer_variables(variables, slot, initializer=initializer)

        def update_step(self, gradient: TFTensor, variable: TFTensor, learning_rate: TFTensor) -> None:
            index = self._get_variable_index(variable)
            mine = {slot: variables[index] for slot, variables in self._of_slot.items()}
            gradient = self.formula.prepared(gradient)
            step = Step(
                gradient=tf.convert_to_tensor(gradient),
                value=tf.convert_to_tensor(variable),
                slots={slot: tf.convert_to_tensor(slot_variable) for slot, slot_variable in mine.items()},
                rate=tf.cast(learning_rate, variable.dtype),
                count=tf.cast(self.iterations + 1, variable.dtype),
            )
            value, slots = self.formula(step)
            if self.formula.waits and isinstance(gradient, tf.IndexedSlices):
                has_gradient = _rows(gradient)
                value = tf.where(has_gradient, value, step.value)
                if self.formula.waits == "all":
                    slots = {slot: tf.where(has_gradient, new, step.slots[slot]) for slot, new in slots.items()}
            for slot, new in slots.items():
                self.assign(mine[slot], new)
            self.assign(variable, value)

    return FormulaOptimizer


def _rows(gradient: TFTensor) -> TFTensor:
    """
    :param gradient: `tf.IndexedSlices`
    :return: whether a row has a gradient, bool, broadcastable to the parameter
    """
    rows, rank = gradient.dense_shape[0], gradient.values.shape.rank
    count = tf.scatter_nd(gradient.indices[:, tf.newaxis], tf.ones_like(gradient.indices), [rows])
    return tf.reshape(count > 0, [-1] + [1] * (rank - 1))
