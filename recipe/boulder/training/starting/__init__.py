"""Starting points: parameters that a training takes from checkpoint files before its first epoch."""

from boulder.training.starting.parameter_file import ParameterFile, boulder_parameters, parameters_of
from boulder.training.starting.source import Source
from boulder.training.starting.starting_checkpoint import starting_checkpoint
from boulder.training.starting.taking import Taken, take_parameters

__all__ = [
    "ParameterFile", "Source", "Taken", "boulder_parameters", "parameters_of", "starting_checkpoint",
    "take_parameters",
]  # fmt: skip
