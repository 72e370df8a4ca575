"""`Updater`: from the gradients of a batch to new parameters, through the stages and the optimizer."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from inspect import signature

import numpy

from boulder.errors import ConfigError, nearest
from boulder.lazy import TFTensor, tf
from boulder.network import NetworkSpec
from boulder.training.objective import l2_factors
from boulder.training.optimizer import Group, Optimizer
from boulder.training.replicas import OneReplica
from boulder.training.training_options import TrainingOptions
from boulder.training.update import ParameterOptions, Update, joint_norm, make_stages

Slots = dict[str, dict[str, numpy.ndarray]]
"""Slot name → parameter path → array."""


def check_updates(options: TrainingOptions, spec: NetworkSpec, where: str = "config") -> None:
    """
    Does not import TensorFlow.

    :param where: context for error messages
    :raises ConfigError: for options of layers or parameters that do not fit the network, see `ParameterOptions.check`
    """
    ParameterOptions.of_network(options, spec).check(where)
    for path, function in (options.extra_updates or {}).items():
        if path not in spec.params:
            raise ConfigError(f"{where}: 'extra_updates': there is no parameter {path!r}{nearest(path, spec.params)}")
        if list(signature(function).parameters) != ["var"]:
            raise ConfigError(
                f"{where}: 'extra_updates': the function of {path!r} is called with the parameter as 'var', and must take "
                f"nothing else, found {signature(function)}"
            )


class Updater:
    """
    Made within the scope of the replicas.

    :param variables: path → variable, of all parameters; their names are `variable_name` of their positions
    :ivar trained: path → variable, of those that are trained
    :ivar learning_rate: a tf.Variable
    """

    def __init__(
        self,
        options: TrainingOptions,
        spec: NetworkSpec,
        variables: Mapping[str, TFTensor],
        replicas: OneReplica,
    ) -> None:
        self._options, self._variables, self._replicas = options, variables, replicas
        self.trained = {path: variable for path, variable in variables.items() if variable.trainable}
        self._l2 = l2_factors(spec, decoupled=True)
        of_parameters = ParameterOptions.of_network(options, spec)
        self._optimizer = Optimizer(
            options.optimizer,
            options.optimizer_epsilon,
            variables,
            of_parameters.optimizers,
            of_parameters.of("accum_grad_multiple_step"),
        )
        self.learning_rate = self._optimizer.learning_rate
        self._stages = make_stages(of_parameters)
        for stage in self._stages:
            stage.build(self.trained)

    # Compiled

    def are_usable(self, squares: Sequence[TFTensor]) -> TFTensor:
        """
        :param squares: `half_squares` of the gradients, in the order of `trained`
        :return: whether all gradients are finite for which no stage takes care of that, a bool scalar
        """
        filtered = {path for stage in self._stages for path in stage.filtered()}
        rest = [square for path, square in zip(self.trained, squares, strict=True) if path not in filtered]
        return tf.math.is_finite(joint_norm(rest)) if rest else tf.constant(True)

    def update(
        self,
        gradients: Sequence[TFTensor],
        squares: Sequence[TFTensor],
        finite: TFTensor,
        step: TFTensor,
        slopes: Sequence[TFTensor] = (),
    ) -> TFTensor | bool:
        """
        Make the update of a batch. To be called outside of `replicas.run`, and with `stop_on_nonfinite_train_score` only where
        objective and gradients are finite.

        :param gradients: of the joint batch, in the order of `trained`; a result of `replicas.run`, as are `squares` and `finite`
        :param squares: `half_squares` of the gradients
        :param finite: whether objective and gradients are finite, a bool scalar
        :param step: number of batches before this one, an int64 scalar
        :param slopes: derivatives of the global norm of the gradients, in the same order; empty without
            `maximize_grad_norm`
        :return: whether the optimizer has changed any parameter, a bool scalar; True if it does so in each batch
        """
        staged, due = self._replicas.run(self._staged, gradients, squares, finite, step, slopes)
        due, groups = self._replicas.first(due), self._optimizer.groups
        for group in groups:
            if group.paths[0] in due:
                tf.cond(due[group.paths[0]], functools.partial(self._apply, group, staged), lambda: False)
            else:
                self._apply(group, staged)
        for path, function in (self._options.extra_updates or {}).items():
            function(var=self._variables[path])
        if any(group.paths[0] not in due for group in groups):
            return True
        return tf.reduce_any([due[group.paths[0]] for group in groups])

    def _staged(
        self,
        gradients: Sequence[TFTensor],
        squares: Sequence[TFTensor],
        finite: TFTensor,
        step: TFTensor,
        slopes: Sequence[TFTensor],
    ) -> tuple[dict[str, TFTensor], dict[str, TFTensor]]:
        """:return: by path: the gradient after all stages, and whether the optimizer applies it, see `Update.due`"""
        due: dict[str, TFTensor] = {}
        if not self._options.stop_on_nonfinite_train_score:  # a sum over several batches continues without this one
            gradients = [tf.where(finite, tf.convert_to_tensor(gradient), 0.0) for gradient in gradients]
            squares, slopes = ([tf.where(finite, value, 0.0) for value in values] for values in (squares, slopes))
            due = dict.fromkeys(self.trained, finite)
        named = dict(zip(self.trained, gradients, strict=True))
        square_of = dict(zip(self.trained, squares, strict=True))
        slope_of = dict(zip(self.trained, slopes, strict=False))
        update = Update(named, square_of, self.trained, step, due, slope_of)
        for stage in self._stages:
            update = stage(update)
        return dict(update.gradients), dict(update.due)

    def _apply(self, group: Group, gradients: dict[str, TFTensor]) -> bool:
        if self._options.decouple_constraints:
            for path in group.paths:
                if factor := self._l2.get(path):
                    self._variables[path].assign_sub(2 * factor * self._variables[path])
        self._replicas.run(lambda mine: group.apply(mine, self.trained), gradients)
        return True

    # State

    @property
    def iterations(self) -> int:
        """:return: the optimizer's own count of updates"""
        return self._optimizer.iterations

    def slots(self) -> Slots:
        """:return: slots of the optimizer, and those of the stages as `STAGE.SLOT`"""
        slots = self._optimizer.slots()
        for stage in self._stages:
            for slot, values in stage.slots().items():
                slots[stage.slot_name(slot)] = {path: variable.numpy() for path, variable in values.items()}
        return slots

    def set_slots(self, slots: Mapping[str, Mapping[str, numpy.ndarray]], iterations: int) -> None:
        """
        :param slots: see `slots`
        :param iterations: see `iterations`
        """
        self._optimizer.set_slots(slots, iterations)
        for stage in self._stages:
            for slot, values in stage.slots().items():
                for path, variable in values.items():
                    variable.assign(slots[stage.slot_name(slot)][path])
