"""The model of a phase: its network, variables and optimizer, and two compiled functions, a training step and scoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any

import numpy

from boulder.data import Dataset, share_spec
from boulder.lazy import TFTensor, tf
from boulder.network import NetworkSpec, run_network
from boulder.training.dumped_layer import dumped_layers
from boulder.training.loss_scale import LossScale
from boulder.training.objective import BatchOutput, Dumped, Losses, objective
from boulder.training.optimizer import variable_name
from boulder.training.param_dropout import with_param_dropout
from boulder.training.parameter_averages import ParameterAverages
from boulder.training.replicas import OneReplica, seed_of
from boulder.training.scheduled_numbers import ScheduledNumbers, numbers_of, of_kind, rates_of
from boulder.training.step_result import Scored, StepResult, packed, unpacked
from boulder.training.training_options import TrainingOptions
from boulder.training.update import half_squares, joint_norm
from boulder.training.updater import Slots, Updater
from boulder.training.variational_noise import with_noise


class Model:
    """
    :param params: path → initial value
    :param dataset: the data set, for the types of its streams
    :param replicas: copies of the network that share each batch
    :param averages: path → moving average so far, for `ema`
    :param loss_scale: state of the loss scale so far; None: from the start
    :ivar loss_scale: for float16, else None
    :ivar updater: makes updates, and holds the learning rate
    :ivar compiled_step: `tf.function` (shares, step) → `packed` losses, norm, finite, overflow; and dumped
    :ivar compiled_evaluate: `tf.function` (shares, step) → `packed` losses; and dumped
    """

    def __init__(
        self,
        spec: NetworkSpec,
        params: Mapping[str, numpy.ndarray],
        options: TrainingOptions,
        dataset: Dataset,
        replicas: OneReplica,
        averages: Mapping[str, numpy.ndarray] | None = None,
        loss_scale: tuple[float, int] | None = None,
    ) -> None:
        self.spec, self.options, self.replicas = spec, options, replicas
        with replicas.scope():
            self.variables = {
                path: tf.Variable(params[path], trainable=param.trainable, name=variable_name(position))
                for position, (path, param) in enumerate(sorted(spec.params.items()))
            }
            self.updater = Updater(options, spec, self.variables, replicas)
            self._averages = ParameterAverages(options.ema, self.variables, averages) if options.ema else None
            self.loss_scale = LossScale(loss_scale) if options.mixed_precision == "float16" else None
            self._numbers = ScheduledNumbers(numbers_of(spec, options, replicas.count))
            self._rates = ScheduledNumbers(rates_of(spec))
        self._scored = self._averages.variables if self._averages and options.ema_in_scores else self.variables
        self._dumped = dumped_layers(spec)
        self._first_slots = {
            slot: {key: _compact(value) for key, value in values.items()} for slot, values in self.slots().items()
        }
        shares = [share_spec(dataset, replicas.count)] * len(replicas.here)
        signature = [shares, tf.TensorSpec([], tf.int64)]
        # without autograph: nothing here needs it, and it leaves files in /tmp when a job is killed
        self.compiled_step = tf.function(self._step, input_signature=signature, autograph=False)
        self.compiled_evaluate = tf.function(self._evaluate, input_signature=signature, autograph=False)

    def begin(
        self,
        spec: NetworkSpec,
        params: Mapping[str, numpy.ndarray],
        options: TrainingOptions,
        averages: Mapping[str, numpy.ndarray] | None = None,
        loss_scale: tuple[float, int] | None = None,
    ) -> None:
        """
        Become the model that the constructor makes of these arguments, but keep what is compiled.

        :param spec: it and `options` have the `trace_key` of the model
        """
        self.spec, self.options = spec, options
        for path, variable in self.variables.items():
            variable.assign(params[path])
        self.reset_slots()
        if self._averages:
            self._averages.begin(averages)
        if self.loss_scale:
            self.loss_scale.begin(loss_scale)
        self._numbers.assign(numbers_of(spec, options, self.replicas.count))
        self._rates.assign(rates_of(spec))

    def step(self, shares: Sequence[dict[str, Any]], step: int) -> StepResult:
        """
        Make the update of a batch.

        :param shares: those of the batch, see `boulder.data.shares_of_epoch`
        :param step: number of updates so far
        """
        vector, dumped = self._traced_step(shares, tf.constant(step, tf.int64))
        losses, (norm, finite, overflow) = unpacked(vector, list(self.spec.losses))
        return StepResult(losses, norm, bool(finite), bool(overflow), dumped)

    def evaluate(self, shares: Sequence[dict[str, Any]], step: int) -> Scored:
        """Score a batch. For the parameters see `step`."""
        vector, dumped = self._traced_evaluate(shares, tf.constant(step, tf.int64))
        return Scored(unpacked(vector, list(self.spec.losses))[0], dumped)

    # The one trace of each. `tf.function` would search for it in every step.

    @cached_property
    def _traced_step(self) -> Callable[..., tuple[TFTensor, Dumped]]:
        return self.compiled_step.get_concrete_function()

    @cached_property
    def _traced_evaluate(self) -> Callable[..., tuple[TFTensor, Dumped]]:
        return self.compiled_evaluate.get_concrete_function()

    # Compiled. A batch becomes an update in this order.

    def _step(self, shares: Sequence[dict[str, Any]], step: TFTensor) -> tuple[TFTensor, Dumped]:
        if not self.updater.trained:  # `#trainable` is False: a pass over the data for its scores
            losses, dumped = self._scores(shares, step)
            output = BatchOutput(losses, {}, {}, {})
            finite = tf.math.is_finite(self._objective(output, output))
            return packed(losses, tf.constant(0.0), finite, tf.constant(False)), dumped
        *results, updates, gradients, squares, slopes = self.replicas.run(
            self._gradients, self.replicas.spread(shares), step
        )
        losses, norm, finite, overflow, dumped = self.replicas.first(results)

        def update() -> bool:
            updated = self.updater.update(gradients, squares, results[2], step, slopes)
            for path, value in self.replicas.first(updates).items():
                variable = self.variables[path]
                variable.assign(tf.where(finite, value, variable))
            if self._averages and updated is True:
                self._averages.update()
            elif self._averages:
                tf.cond(updated, self._averages.update, lambda: False)
            return True

        if self.options.stop_on_nonfinite_train_score:
            tf.cond(finite, update, lambda: False)
        else:
            update()
        if self.loss_scale:
            self.loss_scale.update(finite)
        return packed(losses, norm, finite, overflow), dumped

    def _gradients(self, share: dict[str, Any], step: TFTensor) -> tuple[Any, ...]:
        """
        :return: of the joint batch: losses, norm, finite, overflow, dumped, see `StepResult`; values of statistics; gradients,
            their `half_squares` and slopes, see `Updater.update`
        """
        variables = list(self.updater.trained.values())
        tape_of_norm = tf.GradientTape() if self.options.maximize_grad_norm else None
        with tape_of_norm or nullcontext():
            with tf.GradientTape() as tape:
                own, updates = self._output(share, step, train=True)
                joint = self.replicas.sum(own)
                loss = self._objective(own, joint)
                scaled = self.loss_scale.scaled(loss) if self.loss_scale else loss
            mine = tape.gradient(scaled, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            if self.loss_scale:
                mine = [self.loss_scale.unscaled(gradient) for gradient in mine]
            loss, *gradients = self.replicas.sum([loss, *mine])
            squares = half_squares(gradients)
            norm = joint_norm(squares)
            if tape_of_norm:  # its derivative is that of ‖joint gradient‖, in terms of this replica's gradient
                directions = [tf.stop_gradient(tf.math.divide_no_nan(tf.convert_to_tensor(g), norm)) for g in gradients]
                along = [tf.reduce_sum(tf.convert_to_tensor(g) * to) for g, to in zip(mine, directions, strict=True)]
        slopes = []
        if tape_of_norm:
            unconnected = tf.UnconnectedGradients.ZERO
            slopes = self.replicas.sum(
                [
                    tf.convert_to_tensor(g)
                    for g in tape_of_norm.gradient(along, variables, unconnected_gradients=unconnected)
                ]
            )
        usable = self.updater.are_usable(squares)
        finite = tf.math.is_finite(loss) & usable
        overflow = tf.constant(False)
        if self.loss_scale:
            overflow = tf.math.is_finite(loss) & ~usable & self.loss_scale.may_overflow()
        return joint.losses, norm, finite, overflow, joint.dumped, updates, gradients, squares, slopes

    def _output(self, share: dict[str, Any], step: TFTensor, train: bool) -> tuple[BatchOutput, dict[str, TFTensor]]:
        """:return: of one replica's share; and the next values of statistics, the same in all replicas"""
        seed = seed_of(share["replica"], self.options.random_seed)
        variables = self.variables if train else self._scored
        if train:  # the same in all replicas
            numbers, of_all = self._numbers.read(), self.options.random_seed
            variables = with_noise(variables, of_kind(numbers, "noise"), of_all, step)
            variables = with_param_dropout(variables, of_kind(numbers, "param_dropout"), of_all, step)

        def joint(value: TFTensor) -> TFTensor:
            return self.replicas.joint(tf.where(share["counts"], value, 0.0) if "counts" in share else value)

        output = run_network(
            self.spec,
            variables,
            share["data"],
            share["lengths"],
            train=train,
            seed=seed,
            step=step,
            precision=self.options.mixed_precision,
            joint=joint,
            second_derivatives=train and bool(self.options.maximize_grad_norm),
            rates=self._rates.read_rates(),
        )
        dumped = {name: layer.tensors(output) for name, layer in self._dumped.items()}
        result = BatchOutput(output.losses, output.magnitudes, output.roughness, dumped)
        if "counts" not in share:
            return result, output.updates
        counted: BatchOutput = tf.nest.map_structure(lambda value: tf.where(share["counts"], value, 0.0), result)
        return counted, output.updates

    def _objective(self, own: BatchOutput, joint: BatchOutput) -> TFTensor:
        factors = self._numbers.read()
        return objective(own, joint, self.variables, self.spec, self.options, self.replicas.count, factors)

    def _evaluate(self, shares: Sequence[dict[str, Any]], step: TFTensor) -> tuple[TFTensor, Dumped]:
        losses, dumped = self._scores(shares, step)
        return packed(losses), dumped

    def _scores(self, shares: Sequence[dict[str, Any]], step: TFTensor) -> tuple[Losses, Dumped]:
        def joint(share: dict[str, Any]) -> tuple[Losses, Dumped]:
            own, _ = self._output(share, step, train=False)
            summed = self.replicas.sum(own)
            return summed.losses, summed.dumped

        losses, dumped = self.replicas.first(self.replicas.run(joint, self.replicas.spread(shares)))
        return losses, dumped

    # State

    def values(self) -> dict[str, numpy.ndarray]:
        """:return: path → array"""
        return {path: variable.numpy() for path, variable in self.variables.items()}

    def averages(self) -> dict[str, numpy.ndarray]:
        """:return: path → moving average; {} without `ema`"""
        return self._averages.values() if self._averages else {}

    @property
    def iterations(self) -> int:
        """:return: the optimizer's own count of updates"""
        return self.updater.iterations

    def slots(self) -> Slots:
        """:return: slots of the optimizer and of the stages, see `Updater.slots`"""
        return self.updater.slots()

    def set_slots(self, slots: Mapping[str, Mapping[str, numpy.ndarray]], iterations: int) -> None:
        """Invert `slots` and `iterations`."""
        self.updater.set_slots(slots, iterations)

    def reset_slots(self) -> None:
        """Let the optimizer and the stages start anew."""
        self.set_slots(self._first_slots, 0)


def _compact(array: numpy.ndarray) -> numpy.ndarray:
    """:return: the same array; of one number in memory, if all entries are equal, as in most slots at first"""
    if not array.size or not (array == array.flat[0]).all():
        return array
    return numpy.broadcast_to(array.flat[0], array.shape)
