"""Optimizers under RETURNN's names: a `Formula` each, or Keras's where TensorFlow has no operation and RETURNN takes Keras's."""

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
