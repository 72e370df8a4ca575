"""What happens between gradient and update: a list of stages, each in a file here."""

from __future__ import annotations

from boulder.training.update.accumulate import Accumulate
from boulder.training.update.add_noise import AddNoise
from boulder.training.update.clip_by_global_norm import ClipByGlobalNorm
from boulder.training.update.clip_by_norm import ClipByAverageNorm, ClipByNorm
from boulder.training.update.clip_by_value import ClipByValue
from boulder.training.update.filter_nonfinite import FilterNonFinite
from boulder.training.update.maximize_norm import MaximizeNorm
from boulder.training.update.norms import half_squares, joint_norm
from boulder.training.update.parameter_options import ParameterOptions
from boulder.training.update.stage import Stage, Update, slot_variable
from boulder.training.update.zero_high_norm import ZeroHighNorm

__all__ = [
    "STAGES",
    "Accumulate",
    "AddNoise",
    "ClipByAverageNorm",
    "ClipByGlobalNorm",
    "ClipByNorm",
    "ClipByValue",
    "FilterNonFinite",
    "MaximizeNorm",
    "ParameterOptions",
    "Stage",
    "Update",
    "ZeroHighNorm",
    "half_squares",
    "joint_norm",
    "make_stages",
    "slot_variable",
]

STAGES: list[type[Stage]] = [
    MaximizeNorm,
    Accumulate,
    AddNoise,
    ClipByValue,
    ClipByNorm,
    ClipByAverageNorm,
    ClipByGlobalNorm,
    FilterNonFinite,
    ZeroHighNorm,
]
"""In the order in which they apply, which is RETURNN's."""


def make_stages(options: ParameterOptions) -> list[Stage]:
    """:return: the stages that the options ask for, in order"""
    return [stage for cls in STAGES if (stage := cls.from_options(options)) is not None]
