"""Workers of Sisyphus on this machine: finding those of a job, and ending them."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import psutil

from boulder.errors import BoulderError
from jobs.workdir.sisyphus_names import folder_of
from sisyphus import Job, gs

_PATIENCE = 60.0
"""Seconds that a worker has to save its checkpoint."""


def local_workers(jobs: list[Job]) -> dict[str, list[psutil.Process]]:
    """
    :return: job id → its workers on this machine, no matter who started them. Upstream has two processes per worker: the one
        that computes is the child of the other and comes last.
    """
    here = {os.path.relpath(folder_of(job)): job for job in jobs}
    found: dict[str, list[psutil.Process]] = {}
    for process in psutil.process_iter(["cmdline", "create_time"]):
        words = process.info["cmdline"] or []
        mine = [here[word] for word in words if word in here] if gs.CMD_WORKER in words else []
        with contextlib.suppress(psutil.Error):
            if mine and _is_here(process.cwd(), mine[0]) and process.status() != psutil.STATUS_ZOMBIE:
                found.setdefault(mine[0].job_id(), []).append(process)
    for processes in found.values():
        processes.sort(key=lambda process: process.info["create_time"])
    return found


def _is_here(folder: str, job: Job) -> bool:
    """Whether a worker with this current directory belongs to this project: another may have a job of the same name."""
    own = os.path.realpath(folder_of(job))
    return folder == os.path.realpath(gs.BASE_DIR) or folder.startswith(own)


def end_workers(processes: list[psutil.Process]) -> None:
    """
    Send SIGTERM, so that the worker saves, and wait until it has ended.

    :param processes: of one job, in the order of `local_workers`
    :raises BoulderError: if the worker does not end in time
    """
    *parents, worker = processes
    for process in parents:  # upstream's parent would report a worker that is ended as failed
        with contextlib.suppress(psutil.Error):
            process.kill()
    with contextlib.suppress(psutil.Error):
        worker.send_signal(signal.SIGTERM)
    end = time.monotonic() + _PATIENCE
    while _runs(worker):
        if time.monotonic() > end:
            raise BoulderError(
                f"process {worker.pid} has not ended {_PATIENCE:.0f} s after SIGTERM; end it, then try again"
            )
        time.sleep(0.05)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it has ended between the two calls
        return False
