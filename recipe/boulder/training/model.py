"""A phase's network with its variables and its optimizer, and the two compiled functions on it: a step and a look."""

from __future__ import annotations

from collections.abc import Mapping

import numpy

from boulder.data import share_spec
from boulder.lazy import tf
from boulder.network import NetworkSpec, run_network
from boulder.network.loss import LossValue
from boulder.training.optimizer import get_slots, make_optimizer, set_slots, variable_name
from boulder.training.options import TrainingOptions
from boulder.training.replicas import OneReplica, seed_of


class Model:
    """
    :param spec: the network
    :param params: path → initial value
    :param options: of the phase
    :param reader: the data set, for the types of its streams
    :param replicas: how many copies of it share each batch
    """

    def __init__(
        self,
        spec: NetworkSpec,
        params: Mapping[str, numpy.ndarray],
        options: TrainingOptions,
        reader,
        replicas: OneReplica,
    ):
        self.spec, self.options, self.replicas = spec, options, replicas
        with replicas.scope():
            self.variables = {
                path: tf.Variable(params[path], trainable=param.trainable, name=variable_name(position))
                for position, (path, param) in enumerate(sorted(spec.params.items()))
            }
            self.trained = [path for path, variable in self.variables.items() if variable.trainable]
            self.optimizer = make_optimizer(options.optimizer, options.optimizer_epsilon, self._trained_variables())
        shares = [share_spec(reader, replicas.count)] * len(replicas.here)
        signature = [shares, tf.TensorSpec([], tf.int64)]
        # without autograph: nothing here needs it, and it leaves its files in /tmp when a job is killed
        self.step = tf.function(self._step, input_signature=signature, autograph=False)
        self.evaluate = tf.function(self._evaluate, input_signature=signature, autograph=False)

    def _trained_variables(self) -> list:
        return [self.variables[path] for path in self.trained]

    # Compiled

    def _step(self, shares, step):
        """
        :param shares: of the batch, see `boulder.data.shares_of_epoch`
        :param step: number of the update, for dropout
        :return: losses, gradient norm, and whether all was finite; if not, nothing was updated
        """
        variables = self._trained_variables()
        if not variables:  # `#trainable` is False: a pass over the data, for its scores
            losses = self._evaluate(shares, step)
            return losses, tf.constant(0.0), tf.math.is_finite(self._objective(losses, losses))
        results = self.replicas.run(self._gradients, self.replicas.spread(shares), step)
        losses, norm, finite = self.replicas.first(results[:3])
        tf.cond(finite, lambda: self._apply(results[3], variables), lambda: False)
        return losses, norm, finite

    def _gradients(self, share, step):
        """:return: of the joint batch: losses, gradient norm, whether all was finite, gradients after clipping"""
        variables = self._trained_variables()
        with tf.GradientTape() as tape:
            own = self._losses(share, step, train=True)
            losses = self.replicas.sum(own)
            objective = self._objective(own, losses)
        gradients = tape.gradient(objective, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]  # embeddings' come as slices
        objective, *gradients = self.replicas.sum([objective, *gradients])
        norm = tf.linalg.global_norm(gradients)
        finite = tf.math.is_finite(objective) & tf.math.is_finite(norm)
        return losses, norm, finite, self._clipped(gradients, norm)

    def _evaluate(self, shares, step):
        """
        :param step: how many updates there were, for code of the user's
        :return: losses, without dropout
        """

        def joint(share):
            return self.replicas.sum(self._losses(share, step, train=False))

        return self.replicas.first(self.replicas.run(joint, self.replicas.spread(shares)))

    def _losses(self, share, step, train: bool) -> dict[str, LossValue]:
        """:return: of one replica's share"""
        seed = seed_of(share["replica"], self.options.random_seed)
        losses = run_network(
            self.spec, self.variables, share["data"], share["lengths"], train=train, seed=seed, step=step
        ).losses
        if "counts" not in share:
            return losses
        return tf.nest.map_structure(lambda value: tf.where(share["counts"], value, 0.0), losses)

    def _objective(self, losses, joint):
        """
        RETURNN's: Σ over losses of scale · cost, where cost is a sum over frames, or its mean with
        `use_normalized_loss`, of all losses or of this one; plus Σ over parameters of L2 · Σ w².

        :param losses: of one replica's share
        :param joint: of all shares
        :return: a term for each replica, of which the objective is the sum
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

    def _clipped(self, gradients: list, norm) -> list:
        if self.options.gradient_clip:
            limit = self.options.gradient_clip
            gradients = [tf.clip_by_value(gradient, -limit, limit) for gradient in gradients]
            norm = tf.linalg.global_norm(gradients)
        if self.options.gradient_clip_global_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self.options.gradient_clip_global_norm, norm)
        return gradients

    def _apply(self, gradients: list, variables: list):
        self.replicas.run(lambda mine: self.optimizer.apply(mine, variables), gradients)
        return True

    # State

    def values(self) -> dict[str, numpy.ndarray]:
        """:return: path → array"""
        return {path: variable.numpy() for path, variable in self.variables.items()}

    def slots(self) -> dict[str, dict[str, numpy.ndarray]]:
        """:return: slot name → path → array"""
        return get_slots(self.optimizer, list(self.variables))

    def set_slots(self, slots: Mapping[str, Mapping[str, numpy.ndarray]], iterations: int) -> None:
        set_slots(self.optimizer, list(self.variables), slots, iterations)
