"""Optimizers of TensorFlow 1 with their own L1 and L2 terms: FTRL, and proximal steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.training.optimizer.formula import Formula, Step, Target


@dataclass(frozen=True)
class Ftrl(Formula):
    """
    FTRL-Proximal (McMahan et al. 2013). A parameter that the gradient reaches loses its initial value at once.

    :param beta: adds β/(2·rate) to the L2 strength
    """

    waits = "all"

    learning_rate_power: float = -0.5
    initial_accumulator_value: float = 0.1
    l1_regularization_strength: float = 0.0
    l2_regularization_strength: float = 0.0
    l2_shrinkage_regularization_strength: float = 0.0
    beta: float = 0.0

    def initial(self) -> Mapping[str, float]:
        return {"accumulator": self.initial_accumulator_value, "linear": 0.0}

    def in_place(self, target: Target) -> bool:
        number = target.scalars
        strength = number.constant(self.l2_regularization_strength)
        tf.raw_ops.ResourceApplyFtrlV2(
            var=target.variable,
            accum=target.slots["accumulator"],
            linear=target.slots["linear"],
            grad=target.gradient,
            lr=number.rate,
            l1=number.constant(self.l1_regularization_strength),
            l2=strength + self.beta / (2 * number.rate) if self.beta else strength,
            l2_shrinkage=number.constant(self.l2_shrinkage_regularization_strength),
            lr_power=number.constant(self.learning_rate_power),
        )
        return True

    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        before = step.slots["accumulator"]
        squares = before + tf.square(step.gradient)
        power = -self.learning_rate_power
        gradient = step.gradient + 2 * self.l2_shrinkage_regularization_strength * step.value
        linear = step.slots["linear"] + gradient - (squares**power - before**power) / step.rate * step.value
        quadratic = squares**power / step.rate + 2 * self.l2_regularization_strength + self.beta / step.rate
        value = _shrunk(-linear, self.l1_regularization_strength) / quadratic
        return value, {"accumulator": squares, "linear": linear}


@dataclass(frozen=True)
class ProximalGradientDescent(Formula):
    """w ← shrink(w − rate·g, rate·l1) / (1 + rate·l2) (Duchi and Singer 2009). TensorFlow's operation is for CPUs only."""

    waits = "all"

    l1_regularization_strength: float = 0.0
    l2_regularization_strength: float = 0.0

    def initial(self) -> Mapping[str, float]:
        return {}

    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        return self.moved(step, step.rate), {}

    def moved(self, step: Step, rate: TFTensor) -> TFTensor:
        """
        :param rate: a scalar, or of the parameter's shape
        :return: the new parameter
        """
        moved = _shrunk(step.value - rate * step.gradient, rate * self.l1_regularization_strength)
        return moved / (1 + rate * self.l2_regularization_strength)


@dataclass(frozen=True)
class ProximalAdaGrad(ProximalGradientDescent):
    """`ProximalGradientDescent` with the rates of AdaGrad."""

    initial_accumulator_value: float = 0.1

    def initial(self) -> Mapping[str, float]:
        return {"accumulator": self.initial_accumulator_value}

    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        squares = step.slots["accumulator"] + tf.square(step.gradient)
        return self.moved(step, step.rate * tf.math.rsqrt(squares)), {"accumulator": squares}


def _shrunk(value: TFTensor, by: TFTensor | float) -> TFTensor:
    """:return: the value, closer to 0 by `by`"""
    return tf.sign(value) * tf.maximum(tf.abs(value) - by, 0.0)
