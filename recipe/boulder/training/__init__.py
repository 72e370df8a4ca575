"""Phases of training: growth, the loop over batches, checkpoints, scores."""

from boulder.training.checkpoint import Checkpoint
from boulder.training.growth import GrowthReport, grow
from boulder.training.learning_rate import learning_rate_control, learning_rate_keys, learning_rates
from boulder.training.phase import TrainingPhase
from boulder.training.training_options import TrainingOptions

__all__ = [
    "Checkpoint", "GrowthReport", "TrainingOptions", "TrainingPhase", "grow", "learning_rate_control",
    "learning_rate_keys", "learning_rates",
]  # fmt: skip
