"""Adam and its variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.training.optimizer.formula import Formula, Step, Target


@dataclass(frozen=True)
class Adam(Formula):
    """
    Adam (Kingma and Ba 2015), with ε outside of the correction of the bias, as in its section 2.

    :param amsgrad: divide by the largest v so far (Reddi et al. 2018), with the correction of the bias
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    amsgrad: bool = False

    def initial(self) -> Mapping[str, float]:
        return {"momentum": 0.0, "velocity": 0.0} | ({"velocity_hat": 0.0} if self.amsgrad else {})

    def in_place(self, target: Target) -> bool:
        options = _arguments(target, self.beta1, self.beta2, self.epsilon)
        if self.amsgrad:
            tf.raw_ops.ResourceApplyAdamWithAmsgrad(vhat=target.slots["velocity_hat"], **options)
        else:
            tf.raw_ops.ResourceApplyAdam(**options)
        return True


@dataclass(frozen=True)
class Adamax(Formula):
    """Adamax (Kingma and Ba 2015): u ← max(β₂·u, |g|) in place of √v."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def initial(self) -> Mapping[str, float]:
        return {"momentum": 0.0, "norm": 0.0}

    def in_place(self, target: Target) -> bool:
        number = target.scalars
        tf.raw_ops.ResourceApplyAdaMax(
            var=target.variable,
            m=target.slots["momentum"],
            v=target.slots["norm"],
            beta1_power=number.power(self.beta1),
            lr=number.rate,
            beta1=number.constant(self.beta1),
            beta2=number.constant(self.beta2),
            epsilon=number.constant(self.epsilon),
            grad=target.gradient,
        )
        return True


@dataclass(frozen=True)
class Nadam(Formula):
    """
    Adam with Nesterov's momentum (Dozat 2016), without a schedule of the momentum: in Adam's update, m is replaced by
    β₁·m + (1 − β₁)·g.
    """

    waits = "value"

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def initial(self) -> Mapping[str, float]:
        return {"momentum": 0.0, "velocity": 0.0}

    def in_place(self, target: Target) -> bool:
        tf.raw_ops.ResourceApplyAdam(**_arguments(target, self.beta1, self.beta2, self.epsilon), use_nesterov=True)
        return True

    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        m, v = _moments(step, self.beta1, self.beta2)
        rate = step.rate * tf.sqrt(1 - self.beta2**step.count) / (1 - self.beta1**step.count)
        ahead = self.beta1 * m + (1 - self.beta1) * step.gradient
        return step.value - rate * ahead / (tf.sqrt(v) + self.epsilon), {"momentum": m, "velocity": v}


@dataclass(frozen=True)
class AmsGrad(Formula):
    """
    AMSGrad (Reddi et al. 2018), as the authors state it: no correction of the bias.

    :param decay: divide the rate by √t
    """

    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 0.0
    decay: bool = False

    def initial(self) -> Mapping[str, float]:
        return {"momentum": 0.0, "velocity": 0.0, "velocity_hat": 0.0}

    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        m, v = _moments(step, self.beta1, self.beta2)
        highest = tf.maximum(step.slots["velocity_hat"], v)
        rate = step.rate / tf.sqrt(step.count) if self.decay else step.rate
        value = step.value - rate * m / (self.epsilon + tf.sqrt(highest))
        return value, {"momentum": m, "velocity": v, "velocity_hat": highest}


@dataclass(frozen=True)
class GradVarianceScaled(Formula):
    """RETURNN's: gradient descent where the entries of the gradient that lie far from their mean m count less."""

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def initial(self) -> Mapping[str, float]:
        return {"momentum": 0.0, "variance": 0.0}

    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        m = self.beta1 * step.slots["momentum"] + (1 - self.beta1) * step.gradient
        variance = tf.square(step.gradient - m)
        mean = self.beta2 * step.slots["variance"] + (1 - self.beta2) * variance
        factor = tf.minimum(mean / (variance + self.epsilon), 1.0)
        return step.value - step.rate * step.gradient * factor, {"momentum": m, "variance": mean}


def _arguments(target: Target, beta1: float, beta2: float, epsilon: float) -> dict[str, TFTensor]:
    """:return: arguments of TensorFlow's operations for Adam"""
    number = target.scalars
    return {
        "var": target.variable,
        "m": target.slots["momentum"],
        "v": target.slots["velocity"],
        "beta1_power": number.power(beta1),
        "beta2_power": number.power(beta2),
        "lr": number.rate,
        "beta1": number.constant(beta1),
        "beta2": number.constant(beta2),
        "epsilon": number.constant(epsilon),
        "grad": target.gradient,
    }


def _moments(step: Step, beta1: float, beta2: float) -> tuple[TFTensor, TFTensor]:
    """:return: running means of g and g²"""
    m = step.slots["momentum"] + (1 - beta1) * (step.gradient - step.slots["momentum"])
    v = step.slots["velocity"] + (1 - beta2) * (tf.square(step.gradient) - step.slots["velocity"])
    return m, v
