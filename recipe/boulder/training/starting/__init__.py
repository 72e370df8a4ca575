"""Starting points: parameters that a training takes from checkpoint files before its first epoch."""

from boulder.training.starting.parameter_file import ParameterFile, boulder_parameters, parameters_of, without_values
from boulder.training.starting.source import Source
from boulder.training.starting.starting_checkpoint import starting_checkpoint
from boulder.training.starting.taking import Taken, check_sources, take_parameters

__all__ = [
    "ParameterFile", "Source", "Taken", "boulder_parameters", "check_sources", "parameters_of", "starting_checkpoint",
    "take_parameters", "without_values",
]  # fmt: skip
