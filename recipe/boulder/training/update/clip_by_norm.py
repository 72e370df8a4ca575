"""`gradient_clip_norm`, `gradient_clip_avg_norm`: scale each gradient down to a norm of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boulder.lazy import tf
from boulder.training.update.parameter_options import ParameterOptions
from boulder.training.update.stage import Stage, Update


@dataclass(frozen=True)
class ClipByNorm(Stage):
    """g ← g · limit / max(limit, ‖g‖)"""

    limits: Mapping[str, float]

    @classmethod
    def from_options(cls, options: ParameterOptions) -> ClipByNorm | None:
        limits = options.of("gradient_clip_norm")
        return cls(limits) if limits else None

    def __call__(self, update: Update) -> Update:
        return update.mapped(tf.clip_by_norm, self.limits)


@dataclass(frozen=True)
class ClipByAverageNorm(Stage):
    """g ← g · limit / max(limit, ‖g‖ / n) for n entries"""

    limits: Mapping[str, float]

    @classmethod
    def from_options(cls, options: ParameterOptions) -> ClipByAverageNorm | None:
        limits = options.of("gradient_clip_avg_norm")
        return cls(limits) if limits else None

    def __call__(self, update: Update) -> Update:
        return update.mapped(
            lambda gradient, limit: tf.compat.v1.clip_by_average_norm(tf.convert_to_tensor(gradient), limit),
            self.limits,
        )
