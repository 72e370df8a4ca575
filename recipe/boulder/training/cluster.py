"""Which processes train together, and where they are: as the scheduler says that has started them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from boulder.errors import TrainingError

_PORTS = range(10_000, 30_000)  # below those that Linux gives to whoever asks for any


@dataclass(frozen=True)
class Cluster:
    """
    :param addresses: HOST:PORT of each process
    :param rank: of this process
    """

    addresses: list[str]
    rank: int


def cluster_of_job(num_nodes: int, environment: Mapping[str, str] = os.environ) -> Cluster:
    """
    :param num_nodes: how many processes there should be
    :param environment: in which Slurm's `srun` has started this process, or a job of Grid Engine has
    :raises TrainingError: if no scheduler has, or another number of them
    """
    if "SLURM_PROCID" in environment:
        hosts, rank, job = _slurm_hosts(environment), int(environment["SLURM_PROCID"]), environment["SLURM_JOB_ID"]
    elif "PE_HOSTFILE" in environment:
        hosts, rank, job = _grid_engine_hosts(environment), int(environment.get(RANK, 0)), environment["JOB_ID"]
    else:
        raise TrainingError(
            f"this phase is for nodes={num_nodes}, but neither Slurm's srun nor Grid Engine has started this process; "
            "expected SLURM_PROCID or PE_HOSTFILE in its environment (settings.py keeps them)"
        )
    if len(hosts) != num_nodes:
        raise TrainingError(
            f"this phase is for nodes={num_nodes}, but the scheduler has started {len(hosts)} processes"
        )
    first = _first_port(job, num_nodes)
    return Cluster([f"{host}:{first + i}" for i, host in enumerate(hosts)], rank)


RANK = "BOULDER_RANK"
"""Name of the variable that tells a process under Grid Engine its number, since that gives it none."""


def _first_port(job: str, count: int) -> int:
    """:return: each job has ports of its own, as far as can be, and all its processes know them"""
    return _PORTS[int.from_bytes(sha256(job.encode()).digest()[:8], "big") % (len(_PORTS) - count)]


def _slurm_hosts(environment: Mapping[str, str]) -> list[str]:
    """:return: the address of each process, in the order of their ranks"""
    nodes = environment.get("SLURM_STEP_NODELIST") or environment["SLURM_JOB_NODELIST"]
    names = _scontrol("show", "hostnames", nodes).split()
    told = _scontrol("--oneliner", "show", "node", nodes)  # a node may have another address than its name
    addresses = dict(re.findall(r"NodeName=(\S+).*? NodeAddr=(\S+)", told))
    counts = _counts(environment.get("SLURM_STEP_TASKS_PER_NODE", "1"))
    counts = counts * len(names) if len(counts) == 1 else counts
    return [addresses.get(name, name) for name, count in zip(names, counts, strict=True) for _ in range(count)]


def _counts(text: str) -> list[int]:
    """:param text: e.g. "2(x3),1" for 2, 2, 2, 1"""
    found = re.findall(r"(\d+)(?:\(x(\d+)\))?", text)
    return [int(count) for count, times in found for _ in range(int(times or 1))]


def _scontrol(*arguments: str) -> str:
    try:
        done = subprocess.run(["scontrol", *arguments], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TrainingError(f"scontrol {' '.join(arguments)} gave no answer: {error}") from error
    return done.stdout


def _grid_engine_hosts(environment: Mapping[str, str]) -> list[str]:
    """:return: the host of each slot. Each line of the file: host, number of slots, queue, processors"""
    lines = [line.split() for line in Path(environment["PE_HOSTFILE"]).read_text().splitlines() if line.strip()]
    return [host for host, slots, *_ in lines for _ in range(int(slots))]
