"""Gradient descent: with momentum as in Keras and as in TensorFlow 1, by sign agreement, and with a normalized gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boulder.lazy import TFTensor, tf
from boulder.training.optimizer.formula import Formula, Step, Target


@dataclass(frozen=True)
class GradientDescent(Formula):
    """
    w ← w − rate·g. With momentum, Keras's: v ← μ·v − rate·g; w ← w + v, with Nesterov w + μ·v − rate·g (Sutskever et al.
    2013).
    """

    momentum: float = 0.0
    nesterov: bool = False

    def initial(self) -> Mapping[str, float]:
        return {"momentum": 0.0} if self.momentum else {}

    def in_place(self, target: Target) -> bool:
        if not self.momentum:
            return _descended(target)
        tf.raw_ops.ResourceApplyKerasMomentum(**_with_momentum(target, self.momentum, self.nesterov))
        return True


@dataclass(frozen=True)
class Momentum(Formula):
    """
    v ← μ·v + g; w ← w − rate·v, with Nesterov w − rate·(g + μ·v) (Sutskever et al. 2013).

    The rate is outside of v. In `GradientDescent` it is inside, and a changed rate takes effect more slowly.
    """

    waits = "all"

    momentum: float = 0.9
    use_nesterov: bool = False

    def initial(self) -> Mapping[str, float]:
        return {"momentum": 0.0}

    def in_place(self, target: Target) -> bool:
        tf.raw_ops.ResourceApplyMomentum(**_with_momentum(target, self.momentum, self.use_nesterov))
        return True

    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        v = self.momentum * step.slots["momentum"] + step.gradient
        ahead = step.gradient + self.momentum * v if self.use_nesterov else v
        return step.value - step.rate * ahead, {"momentum": v}


@dataclass(frozen=True)
class SignAgreement(Formula):
    """
    RETURNN's `NeuralOptimizer1`, after Bello et al. 2017: where the gradient and its mean differ in sign, the update is
    multiplied by `decrease_factor`.
    """

    beta1: float = 0.9
    decrease_factor: float = 0.1

    def initial(self) -> Mapping[str, float]:
        return {"momentum": 0.0}

    def __call__(self, step: Step) -> tuple[TFTensor, Mapping[str, TFTensor]]:
        m = self.beta1 * step.slots["momentum"] + (1 - self.beta1) * step.gradient
        factor = tf.where(tf.sign(m) == tf.sign(step.gradient), 1.0, self.decrease_factor)
        return step.value - step.rate * step.gradient * factor, {"momentum": m}


@dataclass(frozen=True)
class NormalizedGradient(Formula):
    """RETURNN's `NormalizedSGD`: w ← w − rate·g/‖g‖."""

    def initial(self) -> Mapping[str, float]:
        return {}

    def prepared(self, gradient: TFTensor) -> TFTensor:
        if isinstance(
            gradient, tf.IndexedSlices
        ):  # as in RETURNN: the norm of all slices, before equal rows are added up
            values = tf.math.l2_normalize(gradient.values)
            return tf.IndexedSlices(values, gradient.indices, gradient.dense_shape)
        return tf.math.l2_normalize(gradient)

    def in_place(self, target: Target) -> bool:
        return _descended(target)


def _descended(target: Target) -> bool:
    """Update w ← w − rate·g."""
    tf.raw_ops.ResourceApplyGradientDescent(var=target.variable, alpha=target.scalars.rate, delta=target.gradient)
    return True


def _with_momentum(target: Target, momentum: float, nesterov: bool) -> dict[str, Any]:
    """:return: arguments of TensorFlow's operations for momentum"""
    return {
        "var": target.variable,
        "accum": target.slots["momentum"],
        "lr": target.scalars.rate,
        "grad": target.gradient,
        "momentum": target.scalars.constant(momentum),
        "use_nesterov": nesterov,
    }
