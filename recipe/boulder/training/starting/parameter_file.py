"""The parameters in a checkpoint file, whichever program has written it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy

from boulder.training.checkpoint import Checkpoint


@dataclass(frozen=True)
class ParameterFile:
    """
    :param path: for messages
    :param shapes: name → shape, of all arrays
    :param read: name → array
    :param step: number of training steps so far; None if the file does not say
    :param epoch: the last epoch that was trained; None if unknown
    """

    path: str
    shapes: Mapping[str, tuple[int, ...]]
    read: Callable[[str], numpy.ndarray]
    step: int | None = None
    epoch: int | None = None


def boulder_parameters(path: str | os.PathLike[str]) -> ParameterFile:
    """
    :param path: a checkpoint of Boulder
    :raises CheckpointError: if it is missing or damaged
    """
    return parameters_of(Checkpoint.load(path), str(path))


def parameters_of(checkpoint: Checkpoint, path: str) -> ParameterFile:
    """:param path: for messages"""
    params = checkpoint.for_inference().params
    shapes = {name: array.shape for name, array in params.items()}
    return ParameterFile(path, shapes, params.__getitem__, checkpoint.step, checkpoint.finished_epochs)


def without_values(path: str, shapes: Mapping[str, tuple[int, ...]]) -> ParameterFile:
    """:return: a file whose arrays are zero: to check that everything fits before anything is read"""
    return ParameterFile(path, shapes, lambda name: numpy.broadcast_to(numpy.float32(0), shapes[name]))
