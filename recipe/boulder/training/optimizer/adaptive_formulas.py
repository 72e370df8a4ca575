"""Rates per entry from past squares of the gradient, as in TensorFlow 1: AdaDelta, AdaGrad, RMSProp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.training.optimizer.formula import Formula, Step, Target


@dataclass(frozen=True)
class AdaDelta(Formula):
    """AdaDelta (Zeiler 2012)."""

    waits = "all"

    rho: float = 0.95
    epsilon: float = 1e-8

    def initial(self) -> Mapping[str, float]:
        return {"accumulated_grad": 0.0, "accumulated_delta_var": 0.0}

    def in_place(self, target: Target) -> bool:
        tf.raw_ops.ResourceApplyAdadelta(
            var=target.variable,
            accum=target.slots["accumulated_grad"],
            accum_update=target.slots["accumulated_delta_var"],
            lr=target.scalars.rate,
            rho=target.scalars.constant(self.rho),
            epsilon=target.scalars.constant(self.epsilon),
            grad=target.gradient,
        )
        return True

    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        squares = self._mean(step.slots["accumulated_grad"], step.gradient)
        before = step.slots["accumulated_delta_var"]
        change = tf.sqrt(before + self.epsilon) * tf.math.rsqrt(squares + self.epsilon) * step.gradient
        slots = {"accumulated_grad": squares, "accumulated_delta_var": self._mean(before, change)}
        return step.value - step.rate * change, slots

    def _mean(self, mean: TFTensor, value: TFTensor) -> TFTensor:
        return self.rho * mean + (1 - self.rho) * tf.square(value)


@dataclass(frozen=True)
class AdaGrad(Formula):
    """AdaGrad (Duchi et al. 2011), without an epsilon: a ← a + g²; w ← w − rate·g/√a."""

    waits = "all"

    initial_accumulator_value: float = 0.1

    def initial(self) -> Mapping[str, float]:
        return {"accumulator": self.initial_accumulator_value}

    def in_place(self, target: Target) -> bool:
        accumulator, rate = target.slots["accumulator"], target.scalars.rate
        tf.raw_ops.ResourceApplyAdagrad(var=target.variable, accum=accumulator, lr=rate, grad=target.gradient)
        return True

    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        squares = step.slots["accumulator"] + tf.square(step.gradient)
        return step.value - step.rate * step.gradient * tf.math.rsqrt(squares), {"accumulator": squares}


@dataclass(frozen=True)
class RmsProp(Formula):
    """
    RMSProp (Tieleman and Hinton 2012). The mean of the squares starts at 1.

    :param centered: subtract the square of the mean from the mean of the squares
    """

    waits = "all"

    decay: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-10
    centered: bool = False

    def initial(self) -> Mapping[str, float]:
        return {"velocity": 1.0, "momentum": 0.0} | ({"average_gradient": 0.0} if self.centered else {})

    def in_place(self, target: Target) -> bool:
        options = {
            "var": target.variable,
            "ms": target.slots["velocity"],
            "mom": target.slots["momentum"],
            "lr": target.scalars.rate,
            "rho": target.scalars.constant(self.decay),
            "momentum": target.scalars.constant(self.momentum),
            "epsilon": target.scalars.constant(self.epsilon),
            "grad": target.gradient,
        }
        if self.centered:
            tf.raw_ops.ResourceApplyCenteredRMSProp(mg=target.slots["average_gradient"], **options)
        else:
            tf.raw_ops.ResourceApplyRMSProp(**options)
        return True

    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        squares = self._mean(step.slots["velocity"], tf.square(step.gradient))
        slots, variance = {"velocity": squares}, squares
        if self.centered:
            slots["average_gradient"] = self._mean(step.slots["average_gradient"], step.gradient)
            variance = squares - tf.square(slots["average_gradient"])
        change = step.rate * step.gradient * tf.math.rsqrt(variance + self.epsilon)
        slots["momentum"] = self.momentum * step.slots["momentum"] + change
        return step.value - slots["momentum"], slots

    def _mean(self, mean: TFTensor, value: TFTensor) -> TFTensor:
        return mean + (1 - self.decay) * (value - mean)
