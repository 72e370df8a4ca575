"""The model of a phase: its network, variables and optimizer, and two compiled functions, a training step and scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy

from boulder.data import Dataset, share_spec
from boulder.lazy import TFTensor, tf
from boulder.network import NetworkSpec, run_network
from boulder.network.loss import LossValue
from boulder.training.optimizer import get_slots, make_optimizer, set_slots, variable_name
from boulder.training.replicas import OneReplica, seed_of
from boulder.training.training_options import TrainingOptions
from boulder.training.update import Update, make_stages

Losses = dict[str, LossValue]
"""Layer name → sums over a batch."""
Slots = dict[str, dict[str, numpy.ndarray]]
"""Slot name → parameter path → array."""


class StepResult(NamedTuple):
    """
    :param norm: global norm of the gradients, a float32 scalar
    :param finite: whether the objective and all gradients are finite, a bool scalar; if not, nothing was updated
    """

    losses: Losses
    norm: TFTensor
    finite: TFTensor


class Model:
    """
    :param params: path → initial value
    :param dataset: the data set, for the types of its streams
    :param replicas: copies of the network that share each batch

    `step(shares, step)` → `StepResult` and `evaluate(shares, step)` → `Losses` are compiled. `shares` are those of a batch
    (`boulder.data.shares_of_epoch`); `step` is the number of updates so far, an int64 scalar.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        params: Mapping[str, numpy.ndarray],
        options: TrainingOptions,
        dataset: Dataset,
        replicas: OneReplica,
    ) -> None:
        self.spec, self.options, self.replicas = spec, options, replicas
        self.stages = make_stages(options)
        with replicas.scope():
            self.variables = {
                path: tf.Variable(params[path], trainable=param.trainable, name=variable_name(position))
                for position, (path, param) in enumerate(sorted(spec.params.items()))
            }
            self.trained = {path: variable for path, variable in self.variables.items() if variable.trainable}
            self.optimizer = make_optimizer(options.optimizer, options.optimizer_epsilon, list(self.trained.values()))
            for stage in self.stages:
                stage.build(self.trained)
        shares = [share_spec(dataset, replicas.count)] * len(replicas.here)
        signature = [shares, tf.TensorSpec([], tf.int64)]
        # without autograph: nothing here needs it, and it leaves files in /tmp when a job is killed
        self.step = tf.function(self._step, input_signature=signature, autograph=False)
        self.evaluate = tf.function(self._evaluate, input_signature=signature, autograph=False)

    # Compiled. A batch becomes an update in this order.

    def _step(self, shares: Sequence[dict[str, Any]], step: TFTensor) -> StepResult:
        if not self.trained:  # `#trainable` is False: a pass over the data for its scores
            losses = self._evaluate(shares, step)
            return StepResult(losses, tf.constant(0.0), tf.math.is_finite(self._objective(losses, losses)))
        *results, gradients = self.replicas.run(self._gradients, self.replicas.spread(shares), step)
        result = StepResult(*self.replicas.first(results))
        tf.cond(result.finite, lambda: self._update(gradients, results[1], step), lambda: False)
        return result

    def _gradients(self, share: dict[str, Any], step: TFTensor) -> tuple[Losses, TFTensor, TFTensor, list[TFTensor]]:
        """:return: of the joint batch: the fields of `StepResult`, and gradients in the order of `trained`"""
        variables = list(self.trained.values())
        with tf.GradientTape() as tape:
            own = self._losses(share, step, train=True)
            losses = self.replicas.sum(own)
            objective = self._objective(own, losses)
        gradients = tape.gradient(objective, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]  # those of embeddings are slices
        objective, *gradients = self.replicas.sum([objective, *gradients])
        norm = tf.linalg.global_norm(gradients)
        return losses, norm, tf.math.is_finite(objective) & tf.math.is_finite(norm), gradients

    def _losses(self, share: dict[str, Any], step: TFTensor, train: bool) -> Losses:
        """:return: losses of one replica's share"""
        seed = seed_of(share["replica"], self.options.random_seed)
        losses: Losses = run_network(
            self.spec, self.variables, share["data"], share["lengths"], train=train, seed=seed, step=step
        ).losses
        if "counts" not in share:
            return losses
        return tf.nest.map_structure(lambda value: tf.where(share["counts"], value, 0.0), losses)

    def _objective(self, losses: Losses, joint: Losses) -> TFTensor:
        """
        RETURNN's objective: Σ over losses of scale · cost, plus Σ over parameters of L2 · Σ w². The cost is a sum over
        frames or, with `use_normalized_loss` of the config or of the loss, their mean.

        :param losses: of one replica's share
        :param joint: of all shares
        :return: this replica's term; the objective is the sum over replicas
        """
        total = tf.constant(0.0)
        for layer, loss in losses.items():
            spec, frames = self.spec.losses[layer], joint[layer].frames
            normalized = self.options.use_normalized_loss or spec.loss.use_normalized_loss
            total += spec.scale * (tf.math.divide_no_nan(loss.cost, frames) if normalized else loss.cost)
        for path, param in self.spec.params.items():
            if param.l2 and param.trainable:
                total += param.l2 / self.replicas.count * tf.reduce_sum(tf.square(self.variables[path]))
        return total

    def _update(self, gradients: list[TFTensor], norm: TFTensor, step: TFTensor) -> TFTensor:
        """:return: whether the optimizer applied the gradients"""
        gradients, due = self.replicas.run(self._staged, gradients, norm, step)
        return tf.cond(self.replicas.first(due), lambda: self._apply(gradients), lambda: False)

    def _staged(self, gradients: list[TFTensor], norm: TFTensor, step: TFTensor) -> tuple[list[TFTensor], TFTensor]:
        """:return: the gradients after all stages, and whether the optimizer applies them"""
        update = Update(dict(zip(self.trained, gradients, strict=True)), self.trained, norm, step)
        for stage in self.stages:
            update = stage(update)
        return list(update.gradients.values()), tf.convert_to_tensor(update.due)

    def _apply(self, gradients: list[TFTensor]) -> bool:
        variables = list(self.trained.values())
        self.replicas.run(lambda mine: self.optimizer.apply(mine, variables), gradients)
        return True

    def _evaluate(self, shares: Sequence[dict[str, Any]], step: TFTensor) -> Losses:
        def joint(share: dict[str, Any]) -> Losses:
            return self.replicas.sum(self._losses(share, step, train=False))

        return self.replicas.first(self.replicas.run(joint, self.replicas.spread(shares)))

    # State

    def values(self) -> dict[str, numpy.ndarray]:
        """:return: path → array"""
        return {path: variable.numpy() for path, variable in self.variables.items()}

    @property
    def iterations(self) -> int:
        """:return: the optimizer's own count of updates"""
        return int(self.optimizer.iterations.numpy())

    def slots(self) -> Slots:
        """:return: slots of the optimizer, and those of the stages as `STAGE.SLOT`"""
        slots = get_slots(self.optimizer, list(self.variables))
        for stage in self.stages:
            for slot, values in stage.slots().items():
                slots[stage.slot_name(slot)] = {path: variable.numpy() for path, variable in values.items()}
        return slots

    def set_slots(self, slots: Mapping[str, Mapping[str, numpy.ndarray]], iterations: int) -> None:
        """
        :param slots: see `slots`
        :param iterations: see `iterations`
        """
        set_slots(self.optimizer, list(self.variables), slots, iterations)
        for stage in self.stages:
            for slot, values in stage.slots().items():
                for path, variable in values.items():
                    variable.assign(slots[stage.slot_name(slot)][path])
