"""Phases of training: growth, the loop over batches, checkpoints, scores."""

from boulder.training.checkpoint import Checkpoint
from boulder.training.growth import GrowthReport, grow
from boulder.training.learning_rate import LEARNING_RATE_KEYS, learning_rates
from boulder.training.options import TrainingOptions
from boulder.training.phase import TrainingPhase
from boulder.training.trainer import TrainingFiles, train

__all__ = [
    "LEARNING_RATE_KEYS", "Checkpoint", "GrowthReport", "TrainingFiles", "TrainingOptions", "TrainingPhase", "grow", "learning_rates", "train",
]  # fmt: skip
