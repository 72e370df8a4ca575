"""`gradient_clip_global_norm`: scale all gradients down to a joint norm."""

from __future__ import annotations

from dataclasses import dataclass, replace

from boulder.lazy import tf
from boulder.training.training_options import TrainingOptions
from boulder.training.update.stage import Stage, Update


@dataclass(frozen=True)
class ClipByGlobalNorm(Stage):
    """g ← g · limit / max(limit, n) with n = √(Σ over parameters of ‖g‖²), after the stages before (Pascanu et al. 2013)"""

    limit: float

    @classmethod
    def from_options(cls, options: TrainingOptions) -> ClipByGlobalNorm | None:
        return cls(options.gradient_clip_global_norm) if options.gradient_clip_global_norm else None

    def __call__(self, update: Update) -> Update:
        clipped, _ = tf.clip_by_global_norm(list(update.gradients.values()), self.limit)
        return replace(update, gradients=dict(zip(update.gradients, clipped, strict=True)))
