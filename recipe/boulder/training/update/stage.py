"""A stage between gradient and update: it changes the gradients, or withholds the update."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from boulder.lazy import TFTensor, tf
from boulder.training.training_options import TrainingOptions


@dataclass(frozen=True)
class Update:
    """
    :param gradients: path → gradient of the joint batch, in the order of the variables; all entries are finite
    :param variables: path → trained variable
    :param norm: global norm of the gradients before the first stage, a scalar
    :param step: number of batches before this one, an int64 scalar: the seed of stateless random numbers
    :param due: whether the optimizer applies the gradients, a bool scalar; accumulation withholds some updates
    """

    gradients: Mapping[str, TFTensor]
    variables: Mapping[str, TFTensor]
    norm: TFTensor
    step: TFTensor
    due: TFTensor | bool = True

    def mapped(self, function: Callable[[TFTensor], TFTensor]) -> Update:
        """:return: the update with `function` applied to each gradient"""
        return replace(self, gradients={path: function(gradient) for path, gradient in self.gradients.items()})


class Stage(ABC):
    """
    A stage runs once per replica on the same gradients, so it must do the same in each: random numbers derive from
    (seed, step, path). What it remembers from batch to batch are slots, which travel with the checkpoint and grow with
    their parameters as those of the optimizer do.
    """

    @classmethod
    @abstractmethod
    def from_options(cls, options: TrainingOptions) -> Self | None:
        """:return: the stage, or None if the options do not ask for it"""

    def build(self, variables: Mapping[str, TFTensor]) -> None:  # noqa: B027  stages without slots leave it empty
        """Create the slots, with `slot_variable`."""

    def slots(self) -> Mapping[str, Mapping[str, TFTensor]]:
        """:return: slot name → parameter path → variable"""
        return {}

    def slot_name(self, slot: str) -> str:
        """:return: the name of a slot in checkpoints; no slot of an optimizer has a dot in its name"""
        return f"{type(self).__name__}.{slot}"

    @abstractmethod
    def __call__(self, update: Update) -> Update:
        """Transform an update; called while TensorFlow traces the step."""


def slot_variable(value: TFTensor) -> TFTensor:
    """:return: a variable that all replicas assign the same value to"""
    return tf.Variable(value, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
