"""On how many GPUs and nodes each phase is trained, and what its job asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boulder.errors import ConfigError
from sisyphus import gs, tk

KEYS = ("gpus", "nodes")
"""The keys of `#config` that are read here, and only here."""


@dataclass(frozen=True)
class Devices:
    """
    :param gpus: of each node
    :param nodes: machines, each with a process
    """

    gpus: int = 1
    nodes: int = 1

    def __post_init__(self):
        """:raises ConfigError: for what is no number of them"""
        for key in KEYS:
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"{key!r} must be a positive int, found {value!r:.60}")

    def __str__(self) -> str:
        return f"gpus={self.gpus}, nodes={self.nodes}"

    def of_phase(self, overrides: Mapping) -> Devices:
        """:param overrides: `#config` of the phase, which may say something else"""
        return Devices(**{key: overrides.get(key, getattr(self, key)) for key in KEYS})

    def rqmt(self, rqmt: Mapping) -> dict:
        """:return: `rqmt`, of a node, with these; one GPU or none is for `rqmt` to say"""
        several = {"gpu": self.gpus} if self.gpus > 1 else {}
        return {**rqmt, **several} | ({"multi_node_slots": self.nodes} if self.nodes > 1 else {})

    def check_here(self) -> None:
        """:raises ConfigError: in a manager whose settings.py would run a phase on this machine, which has not as many"""
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


def of_job(part: list[dict], of_phases: Mapping[int, Devices]) -> Devices:
    """
    :param part: phases that share a job
    :param of_phases: first epoch of a phase → its devices
    :raises ConfigError: if they are not for the same
    """
    first, *others = part
    devices = of_phases[first["start"]]
    for phase in others:
        if of_phases[phase["start"]] != devices:
            raise ConfigError(
                f"the phases of epochs {first['first_epoch']}–{first['last_epoch']} ({devices}) and "
                f"{phase['first_epoch']}–{phase['last_epoch']} ({of_phases[phase['start']]}) share a job; expected the same "
                "for both, or a smaller indices_per_job"
            )
    return devices
