"""The GPUs and nodes of each phase, and the requirements of its job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from boulder.errors import ConfigError
from boulder.training.device_options import DEVICE_KEYS, check_device_option
from boulder.training.phase import TrainingPhase
from sisyphus import gs, tk


@dataclass(frozen=True)
class Devices:
    """
    :param gpus: number per node
    :param nodes: number of machines, each with one process
    """

    gpus: int = 1
    nodes: int = 1

    def __post_init__(self) -> None:
        """:raises ConfigError: if not a positive integer"""
        for key in DEVICE_KEYS:
            check_device_option(key, getattr(self, key))

    def __str__(self) -> str:
        return f"gpus={self.gpus}, nodes={self.nodes}"

    def of_phase(self, overrides: Mapping[str, Any]) -> Devices:
        """:return: the devices of a phase, whose `#config` may override them"""
        return Devices(**{key: overrides.get(key, getattr(self, key)) for key in DEVICE_KEYS})

    def rqmt(self, rqmt: Mapping[str, Any]) -> dict[str, Any]:
        """:return: the requirements of a node; with `gpus=1`, `rqmt` decides between one GPU and none"""
        several = {"gpu": self.gpus} if self.gpus > 1 else {}
        return {**rqmt, **several} | ({"multi_node_slots": self.nodes} if self.nodes > 1 else {})

    def check_here(self) -> None:
        """:raises ConfigError: in a manager that runs jobs on this machine, if it has too few devices"""
        if self == Devices() or not tk.running_in_manager() or getattr(gs, "scheduler", lambda: None)() != "local":
            return
        if self.nodes > 1:
            raise ConfigError(
                f"is for nodes={self.nodes}, but settings.py runs jobs on this machine alone; expected a cluster (ENGINE "
                "'slurm' or 'sge')"
            )
        if self.gpus > gs.num_gpus():
            raise ConfigError(
                f"is for gpus={self.gpus}, but this machine has {gs.num_gpus()}; expected fewer, or a cluster"
            )


def of_job(part: Sequence[TrainingPhase], of_phases: Mapping[int, Devices]) -> Devices:
    """
    :param part: phases that share a job
    :param of_phases: first epoch of a phase → its devices
    :raises ConfigError: if they differ
    """
    first, *others = part
    devices = of_phases[first.start]
    for phase in others:
        if of_phases[phase.start] != devices:
            raise ConfigError(
                f"the phases of epochs {first.first_epoch}–{first.last_epoch} ({devices}) and "
                f"{phase.first_epoch}–{phase.last_epoch} ({of_phases[phase.start]}) share a job; expected the same devices "
                "for both, or a smaller indices_per_job"
            )
    return devices
