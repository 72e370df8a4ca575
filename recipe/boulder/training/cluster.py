"""The processes that train together, and their addresses, as told by the scheduler that started them.

Slurm's `srun` starts all processes. Grid Engine starts only the first, which then starts the others by `qrsh -inherit` in the
slots of the job.
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

_PORTS = range(10_000, 30_000)  # below the range from which Linux assigns ephemeral ports

RANK, HOSTS = "PE_RANK", "PE_HOSTS"
"""Variables through which the first process under Grid Engine passes the others their rank, and the hosts of all."""


@dataclass(frozen=True)
class Cluster:
    """
    :param addresses: HOST:PORT of each process, by rank
    :param rank: rank of this process
    """

    addresses: list[str]
    rank: int


def cluster_of_job(num_nodes: int, environment: Mapping[str, str] = os.environ) -> Cluster:
    """
    :param num_nodes: expected number of processes
    :param environment: environment of this process, with the variables of Slurm's `srun` or of a Grid Engine job
    :raises TrainingError: if no scheduler started this process, or it started another number of processes
    """
    if "SLURM_PROCID" in environment:
        hosts, rank, job = _slurm_hosts(environment), int(environment["SLURM_PROCID"]), environment["SLURM_JOB_ID"]
    elif "PE_HOSTFILE" in environment:
        hosts, rank, job = _grid_engine_hosts(environment), int(environment.get(RANK, 0)), environment["JOB_ID"]
    else:
        raise TrainingError(
            f"this phase needs nodes={num_nodes}, but neither Slurm's srun nor Grid Engine has started this process; "
            "expected SLURM_PROCID or PE_HOSTFILE in its environment (settings.py keeps them)"
        )
    if len(hosts) != num_nodes:
        raise TrainingError(f"this phase needs nodes={num_nodes}, but the scheduler has started {len(hosts)} processes")
    if "PE_HOSTFILE" in environment and RANK not in environment:
        _start_others(hosts, environment)
    first = _first_port(f"{job} in {os.getcwd()}", num_nodes)
    return Cluster([f"{host}:{first + i}" for i, host in enumerate(hosts)], rank)


def _first_port(job: str, count: int) -> int:
    """
    :param job: its id and its folder, since two clusters may have jobs of the same id
    :return: first of `count` ports; the same in all processes of a job, and most likely different in other jobs
    """
    return _PORTS[int.from_bytes(sha256(job.encode()).digest()[:8], "big") % (len(_PORTS) - count)]


def _slurm_hosts(environment: Mapping[str, str]) -> list[str]:
    """:return: address of each process, by rank"""
    nodes = environment.get("SLURM_STEP_NODELIST") or environment["SLURM_JOB_NODELIST"]
    names = _scontrol("show", "hostnames", nodes).split()
    described = _scontrol("--oneliner", "show", "node", nodes)  # the address of a node may differ from its name
    addresses = dict(re.findall(r"NodeName=(\S+).*? NodeAddr=(\S+)", described))
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
        raise TrainingError(f"scontrol {' '.join(arguments)} did not answer: {error}") from error
    return done.stdout


def _grid_engine_hosts(environment: Mapping[str, str]) -> list[str]:
    """:return: host of each slot. A line of the host file has: host, number of slots, queue, processors"""
    if HOSTS in environment:  # only the node of the first process has the file
        return environment[HOSTS].split(",")
    lines = [
        line.split()
        for line in Path(environment["PE_HOSTFILE"]).read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    return [host for host, slots, *_ in lines for _ in range(int(slots))]


def _start_others(hosts: list[str], environment: Mapping[str, str]) -> None:
    """
    Run this process's own command in the other slots. Signals are not forwarded to them: they stop when rank 0 tells them.
    Their limit of virtual memory is lifted like that of this process, since CUDA reserves more of it than a machine has.

    :raises TrainingError: if `qrsh` is missing
    """
    if not shutil.which("qrsh"):
        raise TrainingError("cannot start the processes of the other nodes: qrsh not found in PATH")
    folder = environment.get("SGE_O_WORKDIR", os.getcwd())
    for rank, host in enumerate(hosts[1:], 1):
        started = Path(f".rank.{rank}.{environment['JOB_ID']}").absolute()
        marker = shlex.quote(str(started))
        script = f": > {marker} && cd {shlex.quote(folder)} && ulimit -S -v hard && exec {shlex.join(sys.orig_argv)}"
        its_environment = {**environment, RANK: str(rank), HOSTS: ",".join(hosts)}
        qrsh = shlex.join(["qrsh", "-inherit", "-nostdin", "-V", host, "bash", "-c", script])
        # Retry qrsh when it cannot connect, which it may report only after a minute ("got no connection"). A shell does
        # that, since TensorFlow keeps all Python threads from running while it waits for the other processes.
        tries = f"rm -f {marker}; for _ in 1 2 3 4; do {qrsh}; [ -e {marker} ] && break; done"
        subprocess.Popen(["bash", "-c", tries], env=its_environment, stdin=subprocess.DEVNULL, start_new_session=True)
