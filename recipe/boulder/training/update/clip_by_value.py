"""`gradient_clip`: clip each entry of each gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boulder.lazy import tf
from boulder.training.update.parameter_options import ParameterOptions
from boulder.training.update.stage import Stage, Update


@dataclass(frozen=True)
class ClipByValue(Stage):
    """g ← min(max(g, -limit), limit)"""

    limits: Mapping[str, float]

    @classmethod
    def from_options(cls, options: ParameterOptions) -> ClipByValue | None:
        limits = options.of("gradient_clip")
        return cls(limits) if limits else None

    def __call__(self, update: Update) -> Update:
        return update.mapped_entries(lambda g, limit: tf.clip_by_value(g, -limit, limit), self.limits)
