"""`maximize_grad_norm`: move to where gradients are larger."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.training.update.parameter_options import ParameterOptions
from boulder.training.update.stage import Stage, Update


@dataclass(frozen=True)
class MaximizeNorm(Stage):
    """g ← g − factor · ∂n/∂w with n = √(Σ over parameters of ‖g‖²)"""

    factor: float

    @classmethod
    def from_options(cls, options: ParameterOptions) -> MaximizeNorm | None:
        factor = options.training.maximize_grad_norm
        return cls(factor) if factor else None

    def __call__(self, update: Update) -> Update:
        return update.mapped(
            lambda gradient, slope: tf.convert_to_tensor(gradient) - self.factor * slope, update.slopes
        )
