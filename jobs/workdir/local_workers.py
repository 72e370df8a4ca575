"""Sisyphus's workers on this machine: which run for a job, and how to end them."""

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
"""Seconds that a worker has to save its checkpoint in."""


def local_workers(jobs: list[Job]) -> dict[str, list[psutil.Process]]:
    """
    :return: job id → its workers on this machine, whoever started them. Upstream has two processes for each: the one that works is the other's child, and comes last
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
    """Whether a worker in that folder is of this project: another one may have a job of the same name."""
    own = os.path.realpath(folder_of(job))
    return folder == os.path.realpath(gs.BASE_DIR) or folder.startswith(own)


def end_workers(processes: list[psutil.Process]) -> None:
    """
    Lets workers save and end, and waits for it.

    :param processes: of one job, as `local_workers` gives them
    :raises BoulderError: if one does not end
    """
    *around, worker = processes
    for process in around:  # upstream's takes a worker that was ended for one that failed
        with contextlib.suppress(psutil.Error):
            process.kill()
    with contextlib.suppress(psutil.Error):
        worker.send_signal(signal.SIGTERM)
    end = time.monotonic() + _PATIENCE
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > end:
            raise BoulderError(
                f"process {worker.pid} does not end, {_PATIENCE:.0f} s after SIGTERM; end it, then try again"
            )
        time.sleep(0.05)
