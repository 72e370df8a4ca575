"""Optimizers under RETURNN's names: Keras's where the formula is RETURNN's, a `Formula` where it is not."""

from __future__ import annotations

from boulder.training.optimizer.formula import Formula, Step
from boulder.training.optimizer.optimizer import Group, Optimizer
from boulder.training.optimizer.slots import variable_name
from boulder.training.optimizer.table import OPTIMIZERS, OptimizerClass, check_optimizer

__all__ = [
    "OPTIMIZERS",
    "Formula",
    "Group",
    "Optimizer",
    "OptimizerClass",
    "Step",
    "check_optimizer",
    "variable_name",
]
