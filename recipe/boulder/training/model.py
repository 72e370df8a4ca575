"""A phase's network with its variables and its optimizer, and the two compiled functions on it: a step and a look."""

from __future__ import annotations

from collections.abc import Mapping

import numpy

from boulder.data.feed import tensor_spec
from boulder.lazy import tf
from boulder.network import NetworkSpec, run_network
from boulder.training.optimizer import get_slots, make_optimizer, set_slots, variable_name
from boulder.training.options import TrainingOptions


class Model:
    """
    :param spec: the network
    :param params: path → initial value
    :param options: of the phase
    :param reader: the data set, for the types of its streams
    """

    def __init__(self, spec: NetworkSpec, params: Mapping[str, numpy.ndarray], options: TrainingOptions, reader):
        self.spec, self.options = spec, options
        self.variables = {
            path: tf.Variable(params[path], trainable=param.trainable, name=variable_name(position))
            for position, (path, param) in enumerate(sorted(spec.params.items()))
        }
        self.trained = [path for path, variable in self.variables.items() if variable.trainable]
        self.optimizer = make_optimizer(options.optimizer, options.optimizer_epsilon, self._trained_variables())
        types = tensor_spec(reader)
        scalar = tf.TensorSpec([], tf.int64)
        # without autograph: nothing here needs it, and it leaves its files in /tmp when a job is killed
        batch = [types["data"], types["lengths"]]
        self.step = tf.function(self._step, input_signature=[*batch, scalar], autograph=False)
        self.evaluate = tf.function(self._evaluate, input_signature=[*batch, scalar], autograph=False)

    def _trained_variables(self) -> list:
        return [self.variables[path] for path in self.trained]

    # Compiled

    def _step(self, data, lengths, step):
        """
        :param data: key → [B, T, …], `lengths`: key → [B]
        :param step: number of the update, for dropout
        :return: losses, gradient norm, and whether all was finite; if not, nothing was updated
        """
        variables = self._trained_variables()
        if not variables:  # `#trainable` is False: a pass over the data, for its scores
            losses = self._evaluate(data, lengths, step)
            return losses, tf.constant(0.0), tf.math.is_finite(self._objective(losses))
        with tf.GradientTape() as tape:
            losses = run_network(
                self.spec, self.variables, data, lengths, train=True, seed=self.options.random_seed, step=step
            ).losses
            objective = self._objective(losses)
        gradients = tape.gradient(objective, variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]  # embeddings' come as slices
        norm = tf.linalg.global_norm(gradients)
        finite = tf.math.is_finite(objective) & tf.math.is_finite(norm)
        gradients = self._clipped(gradients, norm)
        tf.cond(finite, lambda: self._apply(gradients, variables), lambda: False)
        return losses, norm, finite

    def _evaluate(self, data, lengths, step):
        """
        :param step: how many updates there were, for code of the user's
        :return: losses, without dropout
        """
        return run_network(self.spec, self.variables, data, lengths, seed=self.options.random_seed, step=step).losses

    def _objective(self, losses):
        """
        RETURNN's: Σ over losses of scale · cost, where cost is a sum over frames, or its mean with
        `use_normalized_loss`, of all losses or of this one; plus Σ over parameters of L2 · Σ w².
        """
        total = tf.constant(0.0)
        for layer, loss in losses.items():
            spec = self.spec.losses[layer]
            normalized = self.options.use_normalized_loss or spec.loss.use_normalized_loss
            total += spec.scale * (tf.math.divide_no_nan(loss.cost, loss.frames) if normalized else loss.cost)
        for path, param in self.spec.params.items():
            if param.l2 and param.trainable:
                total += param.l2 * tf.reduce_sum(tf.square(self.variables[path]))
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
        self.optimizer.apply(gradients, variables)
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
