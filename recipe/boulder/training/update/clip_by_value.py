"""`gradient_clip`: clip each entry of each gradient."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.lazy import tf
from boulder.training.training_options import TrainingOptions
from boulder.training.update.stage import Stage, Update


@dataclass(frozen=True)
class ClipByValue(Stage):
    """g ← min(max(g, -limit), limit)"""

    limit: float

    @classmethod
    def from_options(cls, options: TrainingOptions) -> ClipByValue | None:
        return cls(options.gradient_clip) if options.gradient_clip else None

    def __call__(self, update: Update) -> Update:
        return update.mapped(lambda gradient: tf.clip_by_value(gradient, -self.limit, self.limit))
