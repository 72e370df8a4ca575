"""What Slurm or Grid Engine says of jobs by their numbers, and how they are ended: one call for all jobs of a look."""

from __future__ import annotations

import getpass
import os
import shlex
import subprocess
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from typing import NamedTuple

from boulder.errors import BoulderError
from sisyphus import gs, toolkit

_TIMEOUT = 20  # seconds

_SLURM_WAITS = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT"}
_SLURM_RUNS = {"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}


class ClusterError(BoulderError):
    """A scheduler that does not answer, or refuses."""


class Queued(NamedTuple):
    """
    :param state: running, queue or queue_error, as Sisyphus names them
    :param where: node; "" if it does not run
    """

    state: str
    where: str


@dataclass(frozen=True)
class Scheduler:
    """
    :param title: for people
    :param engine: as Sisyphus calls it
    :param cancel: ends jobs, whose numbers follow
    """

    title: str
    engine: str
    cancel: tuple[str, ...]

    def queue(self) -> dict[str, Queued]:
        """
        :return: number → what became of it; what has ended is not there
        :raises ClusterError: if there is no answer
        """
        return _slurm_queue() if self.engine == "slurm" else _grid_engine_queue()

    def end(self, numbers: list[str]) -> None:
        """
        Lets jobs save and end, as far as they run, and takes them out of the queue.

        :raises ClusterError: if it does not answer. A job that has ended meanwhile is none
        """
        _call([*self.cancel, *numbers], accept_failure=True)


SCHEDULERS = {
    "slurm": Scheduler("Slurm", "slurm", ("scancel",)),
    "sge": Scheduler("Grid Engine", "sge", ("qdel",)),
}


def _slurm_queue() -> dict[str, Queued]:
    found = {}
    for line in _call(["squeue", "-h", "-u", getpass.getuser(), "-o", "%F|%T|%N"]).splitlines():
        number, state, node = line.split("|")
        known = gs.STATE_RUNNING if state in _SLURM_RUNS else gs.STATE_QUEUE if state in _SLURM_WAITS else None
        if known and (number not in found or known == gs.STATE_RUNNING):  # of an array, a task that runs
            found[number] = Queued(known, node)
    return found


def _grid_engine_queue() -> dict[str, Queued]:
    found = {}
    for job in xml.fromstring(_call(["qstat", "-xml", "-u", getpass.getuser()])).iter("job_list"):
        number, state, queue = (job.findtext(tag) or "" for tag in ("JB_job_number", "state", "queue_name"))
        known = gs.STATE_QUEUE_ERROR if "E" in state else gs.STATE_QUEUE if "w" in state else gs.STATE_RUNNING
        if number not in found or known == gs.STATE_RUNNING:  # of an array, a task that runs
            found[number] = Queued(known, queue.partition("@")[2])
    return found


def _call(command: list[str], accept_failure: bool = False) -> str:
    gateway = _gateway()
    if gateway:
        there = f"cd {shlex.quote(os.getcwd())} && {shlex.join(command)}"
        command = ["ssh", "-x", "-o", "BatchMode=yes", gateway, there]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = f"no answer in {_TIMEOUT} s" if isinstance(error, subprocess.TimeoutExpired) else error.strerror
        raise ClusterError(f"{command[0]}: {reason}; is the cluster up, and can it be reached from here?") from error
    if done.returncode and not accept_failure:
        raise ClusterError(f"{command[0]}: {' '.join(done.stderr.split())}")
    return done.stdout


def _gateway() -> str | None:
    """:return: the host on which settings.py wants the scheduler's commands to be called"""
    selector = toolkit.cached_engine()
    engines = [selector, *getattr(selector, "engines", {}).values()]
    return next((engine.gateway for engine in engines if getattr(engine, "gateway", None)), None)
