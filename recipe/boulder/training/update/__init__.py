"""What happens between gradient and update: a list of stages, each in a file here."""

from __future__ import annotations

from boulder.training.training_options import TrainingOptions
from boulder.training.update.clip_by_global_norm import ClipByGlobalNorm
from boulder.training.update.clip_by_value import ClipByValue
from boulder.training.update.stage import Stage, Update, slot_variable

__all__ = ["STAGES", "ClipByGlobalNorm", "ClipByValue", "Stage", "Update", "make_stages", "slot_variable"]

STAGES: list[type[Stage]] = [ClipByValue, ClipByGlobalNorm]
"""In the order in which they apply."""


def make_stages(options: TrainingOptions) -> list[Stage]:
    """:return: the stages that the options ask for, in order"""
    return [stage for cls in STAGES if (stage := cls.from_options(options)) is not None]
