"""Which processes train together, and where they are: as the scheduler says that has started them.

Slurm's `srun` starts them all. Grid Engine starts one, and leaves it to that one to start the others, by `qrsh -inherit`, on the
slots that the job was given.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
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
    if "PE_HOSTFILE" in environment and RANK not in environment:
        _start_others(hosts, environment)
    first = _first_port(f"{job} in {os.getcwd()}", num_nodes)
    return Cluster([f"{host}:{first + i}" for i, host in enumerate(hosts)], rank)


RANK, HOSTS = "PE_RANK", "PE_HOSTS"
"""Variables by which the first process under Grid Engine tells the others their number, and all hosts."""


def _first_port(job: str, count: int) -> int:
    """
    :param job: its id and its folder, since two clusters may have jobs of the same id
    :return: each job has ports of its own, as far as can be, and all its processes know them
    """
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
    if HOSTS in environment:  # the file is where the first process is
        return environment[HOSTS].split(",")
    lines = [line.split() for line in Path(environment["PE_HOSTFILE"]).read_text().splitlines() if line.strip()]
    return [host for host, slots, *_ in lines for _ in range(int(slots))]


def _start_others(hosts: list[str], environment: Mapping[str, str]) -> None:
    """
    Has this process's own command run in the other slots. They are sent no signal of this one's: they stop when it says so.
    Its limit of addresses is lifted as that of this process is: CUDA takes more of them than any machine has memory.
    """
    if not shutil.which("qrsh"):
        raise TrainingError("qrsh, which starts the processes of the other nodes, is not there")
    folder = environment.get("SGE_O_WORKDIR", os.getcwd())
    for rank, host in enumerate(hosts[1:], 1):
        begun = Path(f".rank.{rank}.{environment['JOB_ID']}").absolute()
        script = f": > {shlex.quote(str(begun))} && cd {shlex.quote(folder)} && ulimit -S -v hard && exec {shlex.join(sys.orig_argv)}"
        told = {**environment, RANK: str(rank), HOSTS: ",".join(hosts)}
        qrsh = shlex.join(["qrsh", "-inherit", "-nostdin", "-V", host, "bash", "-c", script])
        # again if need be: it may say after a minute that it "got no connection". In a shell of its own, since TensorFlow
        # lets no thread of Python's run while it waits for the others
        tries = f"rm -f {shlex.quote(str(begun))}; for _ in 1 2 3 4; do {qrsh}; [ -e {shlex.quote(str(begun))} ] && break; done"
        subprocess.Popen(["bash", "-c", tries], env=told, stdin=subprocess.DEVNULL, start_new_session=True)
