"""The model of a phase: its network, variables and optimizer, and two compiled functions, a training step and scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy

from boulder.data import Dataset, share_spec
from boulder.lazy import TFTensor, tf
from boulder.network import NetworkSpec, run_network
from boulder.network.loss import LossValue
from boulder.training.optimizer import variable_name
from boulder.training.replicas import OneReplica, seed_of
from boulder.training.training_options import TrainingOptions
from boulder.training.updater import Slots, Updater

Losses = dict[str, LossValue]
"""Layer name → sums over a batch."""


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
    :ivar updater: makes updates, and holds the learning rate

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
        with replicas.scope():
            self.variables = {
                path: tf.Variable(params[path], trainable=param.trainable, name=variable_name(position))
                for position, (path, param) in enumerate(sorted(spec.params.items()))
            }
            self.updater = Updater(options, spec, self.variables, replicas)
        self._first_slots = self.slots() if options.reset_updater_vars_mod_step else {}
        shares = [share_spec(dataset, replicas.count)] * len(replicas.here)
        signature = [shares, tf.TensorSpec([], tf.int64)]
        # without autograph: nothing here needs it, and it leaves files in /tmp when a job is killed
        self.step = tf.function(self._step, input_signature=signature, autograph=False)
        self.evaluate = tf.function(self._evaluate, input_signature=signature, autograph=False)

    # Compiled. A batch becomes an update in this order.

    def _step(self, shares: Sequence[dict[str, Any]], step: TFTensor) -> StepResult:
        if not self.updater.trained:  # `#trainable` is False: a pass over the data for its scores
            losses = self._evaluate(shares, step)
            return StepResult(losses, tf.constant(0.0), tf.math.is_finite(self._objective(losses, losses)))
        *results, gradients, slopes = self.replicas.run(self._gradients, self.replicas.spread(shares), step)
        result = StepResult(*self.replicas.first(results))

        def update() -> bool:
            return self.updater.update(gradients, results[2], step, slopes)

        if self.options.stop_on_nonfinite_train_score:
            tf.cond(result.finite, update, lambda: False)
        else:
            update()
        return result

    def _gradients(
        self, share: dict[str, Any], step: TFTensor
    ) -> tuple[Losses, TFTensor, TFTensor, list[TFTensor], list[TFTensor]]:
        """:return: of the joint batch: the fields of `StepResult`, and arguments of `Updater.update`"""
        variables = list(self.updater.trained.values())
        tape_of_norm = tf.GradientTape() if self.options.maximize_grad_norm else None
        with tape_of_norm or nullcontext():
            with tf.GradientTape() as tape:
                own = self._losses(share, step, train=True)
                losses = self.replicas.sum(own)
                objective = self._objective(own, losses)
            mine = tape.gradient(objective, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            objective, *gradients = self.replicas.sum([objective, *mine])
            norm = tf.linalg.global_norm(gradients)
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
        finite = tf.math.is_finite(objective) & self.updater.are_usable(gradients)
        return losses, norm, finite, gradients, slopes

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
            if param.l2 and param.trainable and not self.options.decouple_constraints:
                total += param.l2 / self.replicas.count * tf.reduce_sum(tf.square(self.variables[path]))
        return total

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
        return self.updater.iterations

    def slots(self) -> Slots:
        """:return: slots of the optimizer and of the stages, see `Updater.slots`"""
        return self.updater.slots()

    def set_slots(self, slots: Mapping[str, Mapping[str, numpy.ndarray]], iterations: int) -> None:
        """Invert `slots` and `iterations`."""
        self.updater.set_slots(slots, iterations)

    def reset_slots(self) -> None:
        """Let the optimizer and the stages start anew, for `reset_updater_vars_mod_step`."""
        self.set_slots(self._first_slots, 0)
