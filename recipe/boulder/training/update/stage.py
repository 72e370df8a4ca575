"""A stage between gradient and update: it changes the gradients, or withholds the update."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from boulder.lazy import TFTensor, tf
from boulder.training.update.norms import joint_norm
from boulder.training.update.parameter_options import ParameterOptions


@dataclass(frozen=True)
class Update:
    """
    :param gradients: path → gradient of the joint batch, in the order of the variables; `tf.IndexedSlices` where only some
        rows have one, as with embeddings. Equal rows are not added up, as in TensorFlow's own clipping
    :param half_squares: path → ½‖g‖² of the gradient before the first stage
    :param variables: path → trained variable
    :param step: number of batches before this one, an int64 scalar: the seed of stateless random numbers
    :param due: path → whether the optimizer applies the gradient, a bool scalar; accumulation withholds some. It applies those
        without an entry
    :param slopes: path → derivative of the global norm of the gradients; empty without `maximize_grad_norm`
    """

    gradients: Mapping[str, TFTensor]
    half_squares: Mapping[str, TFTensor]
    variables: Mapping[str, TFTensor]
    step: TFTensor
    due: Mapping[str, TFTensor]
    slopes: Mapping[str, TFTensor] = field(default_factory=dict)

    def norm(self, paths: Iterable[str] | None = None) -> TFTensor:
        """
        :param paths: None: all
        :return: global norm of the gradients before the first stage, a scalar
        """
        return joint_norm([self.half_squares[path] for path in (self.half_squares if paths is None else paths)])

    def mapped(self, function: Callable[[TFTensor, Any], TFTensor], values: Mapping[str, Any]) -> Update:
        """
        :param function: (gradient, value) → new gradient
        :param values: path → value, for the gradients to change
        """
        changed = {path: function(self.gradients[path], value) for path, value in values.items()}
        return replace(self, gradients={**self.gradients, **changed})

    def mapped_entries(self, function: Callable[[TFTensor, Any], TFTensor], values: Mapping[str, Any]) -> Update:
        """As `mapped`, for a function of entries: of slices it receives their values."""

        def changed(gradient: TFTensor, value: Any) -> TFTensor:
            if not isinstance(gradient, tf.IndexedSlices):
                return function(gradient, value)
            return tf.IndexedSlices(function(gradient.values, value), gradient.indices, gradient.dense_shape)

        return self.mapped(changed, values)


class Stage(ABC):
    """
    A stage runs once per replica on the same gradients, so it must do the same in each: random numbers derive from
    (seed, step, path). What it remembers from batch to batch are slots, which travel with the checkpoint and grow with
    their parameters as those of the optimizer do.
    """

    @classmethod
    @abstractmethod
    def from_options(cls, options: ParameterOptions) -> Self | None:
        """:return: the stage, or None if the options do not ask for it"""

    def build(self, variables: Mapping[str, TFTensor]) -> None:  # noqa: B027  stages without slots leave it empty
        """Create the slots, with `slot_variable`."""

    def slots(self) -> Mapping[str, Mapping[str, TFTensor]]:
        """:return: slot name → parameter path → variable"""
        return {}

    def slot_name(self, slot: str) -> str:
        """:return: the name of a slot in checkpoints; no slot of an optimizer has a dot in its name"""
        return f"{type(self).__name__}.{slot}"

    def filtered(self) -> Collection[str]:
        """:return: paths of gradients that may arrive with entries that are not finite, since this stage removes them"""
        return ()

    @abstractmethod
    def __call__(self, update: Update) -> Update:
        """Transform an update; called while TensorFlow traces the step."""


def slot_variable(value: TFTensor) -> TFTensor:
    """:return: a variable that all replicas assign the same value to"""
    return tf.Variable(value, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)
