"""
`Formula`: an optimizer as one formula for one parameter, and the Keras optimizer that applies it.

TensorFlow has an operation for the update of a parameter by most of them. It takes the place of twenty small ones, and it is what
RETURNN's optimizers call.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
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


class Scalars:
    """
    Numbers that the updates of all parameters share. Each is made once.

    :param rate: learning rate, a scalar
    :param count: number of this update, 1 for the first, a scalar of the same dtype
    """

    def __init__(self, rate: TFTensor, count: TFTensor) -> None:
        self.rate, self.count = rate, count
        self._made: dict[tuple[str, float], TFTensor] = {}

    def constant(self, value: float) -> TFTensor:
        return self._once("constant", value, lambda: tf.constant(value, self.rate.dtype))

    def power(self, base: float) -> TFTensor:
        """:return: `base` to the power of the number of this update"""
        return self._once("power", base, lambda: tf.pow(self.constant(base), self.count))

    def _once(self, kind: str, value: float, make: Callable[[], TFTensor]) -> TFTensor:
        if (kind, value) not in self._made:
            self._made[kind, value] = make()
        return self._made[kind, value]


@dataclass(frozen=True)
class Target:
    """
    What an operation needs that updates a parameter.

    :param variable: handle of the parameter
    :param slots: slot name → handle
    :param gradient: of the parameter's shape
    """

    variable: TFTensor
    slots: Mapping[str, TFTensor]
    gradient: TFTensor
    scalars: Scalars


@dataclass(frozen=True)
class Formula(ABC):
    """
    The fields of a subclass are options of the optimizer. It has an operation that makes the update, or computes new values; both,
    where rows without a gradient wait.
    """

    waits: ClassVar[Literal["", "value", "all"]] = ""
    """what of a row stays as it is while the gradient lacks the row, as in TensorFlow 1's sparse updates: nothing, the
    parameter, or the slots, too"""

    @abstractmethod
    def initial(self) -> Mapping[str, float]:
        """:return: slot name → initial value of all entries"""

    def in_place(self, target: Target) -> bool:
        """
        Update a parameter and its slots by an operation of TensorFlow, which CPUs and GPUs have.

        :return: whether there is one
        """
        return False

    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        """:return: the new parameter, and slot name → new value"""
        raise NotImplementedError

    def prepared(self, gradient: TFTensor) -> TFTensor:
        """:return: the gradient to use, from a tensor or `tf.IndexedSlices`"""
        return gradient


def keras_optimizer(formula: Formula, learning_rate: Any, weight_decay: float | None = None) -> Any:
    """
    :param weight_decay: before each update, w ← w − rate·weight_decay·w
    :return: an optimizer of Keras
    """
    return _keras_class()(formula, learning_rate, weight_decay)


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
        def __init__(self, formula: Formula, learning_rate: Any, weight_decay: float | None) -> None:
            super().__init__(learning_rate, weight_decay=weight_decay, name=type(formula).__name__.lower())
            self.formula = formula

        def build(self, variables: list[TFTensor]) -> None:
            if self.built:
                return
            super().build(variables)
            self._of_slot = {}
            for slot, value in self.formula.initial().items():
                initializer = keras.initializers.Constant(value)
                self._of_slot[slot] = self.add_optimizer_variables(variables, slot, initializer=initializer)

        def apply(self, gradients: list[TFTensor], variables: list[TFTensor]) -> None:
            self._scalars: dict[Any, Scalars] = {}
            super().apply(gradients, variables)

        def update_step(self, gradient: TFTensor, variable: TFTensor, learning_rate: TFTensor) -> None:
            index = self._get_variable_index(variable)
            mine = {slot: variables[index] for slot, variables in self._of_slot.items()}
            scalars = self._scalars_of(variable.dtype, learning_rate)
            gradient = self.formula.prepared(gradient)
            some_rows_wait = bool(self.formula.waits) and isinstance(gradient, tf.IndexedSlices)
            dense = tf.convert_to_tensor(gradient)
            if not some_rows_wait:
                handles = {slot: slot_variable.value.handle for slot, slot_variable in mine.items()}
                if self.formula.in_place(Target(variable.handle, handles, dense, scalars)):
                    return
            step = Step(
                gradient=dense,
                value=tf.convert_to_tensor(variable),
                slots={slot: tf.convert_to_tensor(slot_variable) for slot, slot_variable in mine.items()},
                rate=scalars.rate,
                count=scalars.count,
            )
            value, slots = self.formula(step)
            if some_rows_wait:
                has_gradient = _rows(gradient)
                value = tf.where(has_gradient, value, step.value)
                if self.formula.waits == "all":
                    slots = {slot: tf.where(has_gradient, new, step.slots[slot]) for slot, new in slots.items()}
            for slot, new in slots.items():
                self.assign(mine[slot], new)
            self.assign(variable, value)

        def _scalars_of(self, dtype: Any, rate: TFTensor) -> Scalars:
            if dtype not in self._scalars:
                self._scalars[dtype] = Scalars(tf.cast(rate, dtype), tf.cast(self.iterations + 1, dtype))
            return self._scalars[dtype]

    return FormulaOptimizer


def _rows(gradient: TFTensor) -> TFTensor:
    """
    :param gradient: `tf.IndexedSlices`
    :return: whether a row has a gradient, bool, broadcastable to the parameter
    """
    rows, rank = gradient.dense_shape[0], gradient.values.shape.rank
    count = tf.scatter_nd(gradient.indices[:, tf.newaxis], tf.ones_like(gradient.indices), [rows])
    return tf.reshape(count > 0, [-1] + [1] * (rank - 1))
