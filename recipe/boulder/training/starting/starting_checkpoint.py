"""`starting_checkpoint`: a checkpoint of a phase's network, made of parameters from other files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy

from boulder.network import NetworkSpec, ParamSpec
from boulder.network.initializers import initial_value
from boulder.schedule.canonical import canonical
from boulder.training.checkpoint import Checkpoint
from boulder.training.starting.parameter_file import ParameterFile
from boulder.training.starting.source import Source
from boulder.training.starting.taking import Taken, take_parameters


def starting_checkpoint(
    sources: Sequence[tuple[Source, ParameterFile]],
    net_dict: dict[str, Any],
    network: NetworkSpec,
    *,
    epoch: int,
    phase_start: int,
    index: int | None,
    random_seed: int,
) -> tuple[Checkpoint, Taken]:
    """
    :param sources: see `take_parameters`
    :param net_dict: of the phase
    :param network: its description
    :param epoch: number of epochs that are done
    :param phase_start: first epoch of the phase
    :param index: index of the phase
    :param random_seed: of the initial values of parameters that are not taken
    :return: a checkpoint without slots and scores, and the report
    :raises BoulderError: see `take_parameters`
    """

    def fresh(param: ParamSpec) -> numpy.ndarray:
        return initial_value(param.init, param.shape, random_seed, param.path, param.dtype)

    taken = take_parameters(sources, network, fresh)
    params = {
        path: taken.values[path] if path in taken.values else fresh(spec) for path, spec in network.params.items()
    }
    checkpoint = Checkpoint(
        epoch=epoch,
        step=taken.step,
        phase_start=phase_start,
        phase_step=taken.step,
        index=index,
        network=cast(dict[str, Any], canonical(net_dict)),
        specs=network.params,
        params=params,
    )
    return checkpoint, taken
