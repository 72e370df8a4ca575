"""The phases of a RETURNN config for a trial on generated data: its own data sets are neither needed nor looked at."""

from __future__ import annotations

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from boulder.errors import ConfigError
from boulder.returnn.config import load_config
from boulder.returnn.extern_data import for_networks
from boulder.schedule.functions import restore
from boulder.training.device_options import DEVICE_KEYS
from boulder.training.learning_rate import learning_rate_control
from boulder.training.phase import TrainingPhase
from boulder.training.phase_making import PhaseMaker


def phases_for_trial(
    file: str | Path, overrides: Mapping[str, object] = types.MappingProxyType({})
) -> tuple[list[TrainingPhase], dict[str, Any]]:
    """
    :param overrides: options that replace those of the file, see `load_config`
    :return: the phases, which have travelled as to a job, functions by value; `extern_data`
    :raises BoulderError: for all that `boulder run` would refuse, other than data sets
    """
    config = load_config(file, overrides)
    if not config.extern_data:
        raise ConfigError(f"{file}: found no 'extern_data', which a trial needs, as no data set is opened")
    placeholder = {"class": "StaticDataset", "data": [{key: [0] for key in config.extern_data}]}
    config.train_on({"train": placeholder, "dev": placeholder}, Path(file).parent)
    found = config.training(networks=True)
    maker = PhaseMaker(
        config=found.config,
        extern_data=found.extern_data,
        train=found.train_data,
        dev=found.dev_data,
        function_options=found.function_options,
        elsewhere=DEVICE_KEYS,
    )
    rates = learning_rate_control(found.config, found.plan)
    phases = [travelled(maker.phase(phase, rates)) for phase in found.plan.phases]
    return phases, for_networks(found.extern_data, (phase.network for phase in phases))


def travelled(phase: TrainingPhase) -> TrainingPhase:
    """:return: the phase as a job receives it"""
    functions: dict[str, dict] = {}
    plain: Any = restore(phase.to_json(functions), functions)
    return TrainingPhase.from_json(plain)
