"""The queue of Slurm or Grid Engine: job number → state, by one call for all jobs; and how jobs are cancelled.

The engines of embedded/sisyphus parse the same two commands, by task rather than by job. Neither can use the other's parser:
embedded/ imports nothing of the project, and upstream Sisyphus has no such function. tests/jobs/test_cluster_queue.py asserts
that both give a job the same state.
"""

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

SLURM_STATES = {
    **dict.fromkeys(
        ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT"),
        gs.STATE_QUEUE,
    ),
    **dict.fromkeys(
        ("RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"), gs.STATE_RUNNING
    ),
}
"""Slurm's state → Sisyphus's. A job in any other state has ended."""


class ClusterError(BoulderError):
    """A scheduler does not answer, or refuses."""


class Queued(NamedTuple):
    """
    :param state: `running`, `queue` or `queue_error`, as Sisyphus names them
    :param where: node; "" unless the job runs
    """

    state: str
    where: str


@dataclass(frozen=True)
class Scheduler:
    """
    :param title: for messages
    :param engine: Sisyphus's name of the engine
    :param cancel: command that cancels jobs; their numbers are appended
    """

    title: str
    engine: str
    cancel: tuple[str, ...]

    def queue(self) -> dict[str, Queued]:
        """
        :return: job number → state, without the jobs that have ended
        :raises ClusterError: if the scheduler does not answer, or not in the expected format
        """
        return _slurm_queue() if self.engine == "slurm" else _grid_engine_queue()

    def end(self, numbers: list[str]) -> None:
        """
        Cancel jobs. A running job gets a signal first, so that it can save. Jobs that have ended meanwhile are ignored.

        :raises ClusterError: if the scheduler does not answer
        """
        _call([*self.cancel, *numbers], accept_failure=True)


SCHEDULERS = {
    "slurm": Scheduler("Slurm", "slurm", ("scancel",)),
    "sge": Scheduler("Grid Engine", "sge", ("qdel",)),
}
"""Sisyphus's name of the engine → scheduler."""


def grid_engine_state(letters: str) -> str:
    """
    :param letters: state of a job in qstat(1), e.g. `r`, `qw`, `Eqw`; `Rq` waits to run again
    :return: Sisyphus's state
    """
    if "E" in letters:
        return gs.STATE_QUEUE_ERROR
    return gs.STATE_RUNNING if set(letters) & set("rtsST") else gs.STATE_QUEUE


def _slurm_queue() -> dict[str, Queued]:
    found: dict[str, Queued] = {}
    for line in _call(["squeue", "-h", "-u", getpass.getuser(), "-o", "%F|%T|%N"]).splitlines():
        try:
            number, slurm_state, node = line.split("|")
        except ValueError:
            raise ClusterError(f"squeue: expected lines NUMBER|STATE|NODE, found {line!r:.80}") from None
        state = SLURM_STATES.get(slurm_state)
        if state and (number not in found or state == gs.STATE_RUNNING):  # of an array, prefer a task that runs
            found[number] = Queued(state, node)
    return found


def _grid_engine_queue() -> dict[str, Queued]:
    found: dict[str, Queued] = {}
    answer = _call(["qstat", "-xml", "-u", getpass.getuser()])
    try:
        jobs = list(xml.fromstring(answer).iter("job_list"))
    except xml.ParseError as error:
        raise ClusterError(f"qstat: expected XML, found {answer!r:.80} ({error})") from None
    for job in jobs:
        number, letters, queue = (job.findtext(tag) or "" for tag in ("JB_job_number", "state", "queue_name"))
        state = grid_engine_state(letters)
        if number not in found or state == gs.STATE_RUNNING:  # of an array, prefer a task that runs
            found[number] = Queued(state, queue.partition("@")[2])
    return found


def _call(command: list[str], accept_failure: bool = False) -> str:
    gateway = _gateway()
    if gateway:
        remote = f"cd {shlex.quote(os.getcwd())} && {shlex.join(command)}"
        command = ["ssh", "-x", "-o", "BatchMode=yes", gateway, remote]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = error.strerror if isinstance(error, OSError) else f"no answer in {_TIMEOUT} s"
        raise ClusterError(f"{command[0]}: {reason}; is the cluster up, and can it be reached from here?") from error
    if done.returncode and not accept_failure:
        raise ClusterError(f"{command[0]}: {' '.join(done.stderr.split())}")
    return done.stdout


def _gateway() -> str | None:
    """:return: the host on which settings.py has the scheduler's commands called"""
    selector = toolkit.cached_engine()
    engines = [selector, *getattr(selector, "engines", {}).values()]
    return next((engine.gateway for engine in engines if getattr(engine, "gateway", None)), None)
