"""The state of a job under Sisyphus's name, inferred from outside: no file is changed, and no manager is needed."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass, replace
from typing import Any

import psutil

from jobs.workdir.cluster_queue import SCHEDULERS, ClusterError, Queued
from jobs.workdir.job_files import file_names
from jobs.workdir.local_workers import local_workers
from jobs.workdir.manager_log import refusal
from jobs.workdir.sisyphus_names import folder_of, inputs_of_job, is_finished, is_held_by_config, tasks_of_job
from jobs.workdir.submissions import Submission, read_submissions, read_usage
from jobs.workdir.work_lock import manager_at_work
from sisyphus import Job, gs


@dataclass(frozen=True)
class JobState:
    """
    :param name: `finished`, `running`, `queue`, `waiting`, `hold`, …
    :param where: engine, job number on the cluster, host or process, as far as known
    :param held: whether the job has a hold file. A running job continues all the same.
    :param numbers: (engine, job number) of everything that runs or is queued on a cluster
    :param processes: workers on this machine
    :param elsewhere: the other machine on which a worker of the local engine runs; "" if there is none
    """

    name: str
    where: str = ""
    held: bool = False
    numbers: tuple[tuple[str, str], ...] = ()
    processes: tuple[psutil.Process, ...] = ()
    elsewhere: str = ""


class Judge:
    """Reads queues and processes once and infers states from them. Make a new one to read them again."""

    def __init__(self, jobs: list[Job]) -> None:
        """:param jobs: whose states will be asked for"""
        self.problems: list[str] = []
        """One message for each scheduler that does not answer."""
        self._workers = local_workers(jobs)
        self._manager = manager_at_work()
        self._queues: dict[str, dict[str, Queued] | None] = {}

    def state(self, job: Job) -> JobState:
        """:return: the first that applies of: finished, alive, held, waiting for inputs, at rest"""
        submissions = read_submissions(job)
        if is_finished(job):
            return JobState(gs.STATE_FINISHED, _place(submissions, read_usage(job)))
        held = is_held_by_config(job) or os.path.exists(folder_of(job, gs.STATE_HOLD))
        alive = self._alive(job, submissions)
        if alive:
            return replace(alive, held=held)
        if held:
            return JobState(gs.STATE_HOLD, held=True)
        if not all(path.available() for path in inputs_of_job(job)):
            return JobState(gs.STATE_WAITING)
        return _at_rest(job, submissions)

    def alive(self, job: Job) -> JobState | None:
        """
        :param job: perhaps one of `jobs.workdir.sisyphus_names.job_of_folder`
        :return: None if nothing of it runs or is queued
        """
        return None if is_finished(job) else self._alive(job, read_submissions(job))

    def _alive(self, job: Job, submissions: list[Submission]) -> JobState | None:
        """:return: None if nothing runs or is queued"""
        is_on_cluster = bool(submissions) and submissions[-1].engine in SCHEDULERS
        processes = [] if is_on_cluster else self._workers.get(job.job_id(), [])
        if processes:
            return JobState(gs.STATE_RUNNING, f"process {processes[-1].pid}", processes=tuple(processes))
        found = [(of, number, self._queue(of)) for of, number in _numbers(submissions)]
        living = [(of, number, queue[number]) for of, number, queue in found if queue and number in queue]
        if living:
            engine, number, queued = living[-1]
            place = f"{engine} {number}" + (f" on {queued.where}" if queued.where else "")
            return JobState(queued.state, place, numbers=tuple((of, number) for of, number, _ in living))
        if is_on_cluster:
            return JobState(gs.STATE_UNKNOWN) if self._queue(submissions[-1].engine) is None else None
        usage = read_usage(job)
        if usage.get("host", socket.gethostname()) != socket.gethostname() and _changed_lately(job):
            return JobState(gs.STATE_RUNNING, usage["host"], elsewhere=usage["host"])
        if self._manager and _is_newer(job, gs.ENGINE_SUBMIT, gs.JOB_LOG) and not refusal(job):
            return JobState(gs.STATE_QUEUE)
        return None

    def _queue(self, engine: str) -> dict[str, Queued] | None:
        """:return: job number → state; None if the scheduler does not answer"""
        if engine not in self._queues:
            try:
                self._queues[engine] = SCHEDULERS[engine].queue()
            except ClusterError as error:
                self.problems.append(f"{SCHEDULERS[engine].title} does not answer: {error}")
                self._queues[engine] = None
        return self._queues[engine]


def _numbers(submissions: list[Submission]) -> list[tuple[str, str]]:
    """:return: (engine, job number), in order"""
    return [(one.engine, number) for one in submissions if one.engine in SCHEDULERS for number in one.numbers]


def _at_rest(job: Job, submissions: list[Submission]) -> JobState:
    """:return: the state of a job whose inputs exist and of which nothing runs"""
    names = set(file_names(job))
    for task in tasks_of_job(job) if names else ():
        done = [f"{gs.STATE_FINISHED}.{task.name()}.{task_id}" in names for task_id in task.task_ids()]
        if all(done):
            continue
        place = _place(submissions, read_usage(job))
        if any(name.startswith(f"{gs.STATE_ERROR}.{task.name()}.") for name in names):
            return JobState(gs.STATE_ERROR, place)
        if refusal(job):
            return JobState(gs.STATE_QUEUE_ERROR, place)
        if not any(name.startswith(f"{gs.JOB_LOG}.{task.name()}.") for name in names):
            return JobState(gs.STATE_RUNNABLE)
        begun = [one.completed_fraction for one in submissions]
        if sum(fraction >= begun[-1] for fraction in begun) > gs.MAX_SUBMIT_RETRIES:
            return JobState(gs.STATE_RETRY_ERROR, place)
        return JobState(
            gs.STATE_INTERRUPTED_RESUMABLE if task.resumeable() else gs.STATE_INTERRUPTED_NOT_RESUMABLE, place
        )
    return JobState(gs.STATE_FINISHED if names else gs.STATE_RUNNABLE)


def _place(submissions: list[Submission], usage: dict[str, Any]) -> str:
    """:return: where the job ran last"""
    if not submissions:
        return ""
    last = submissions[-1]
    number = [f"{last.engine} {last.numbers[-1]}"] if last.numbers else []
    return " on ".join([*number, *([usage["host"]] if "host" in usage else [])])


def _changed_lately(job: Job) -> bool:
    """Whether a worker on any machine gave a sign of life."""
    times = [_mtime(job, prefix) for prefix in (gs.PLOGGING_FILE, gs.JOB_LOG)]
    return time.time() - max(times) < gs.PLOGGING_UPDATE_FILE_PERIOD + gs.WAIT_PERIOD_JOB_FS_SYNC


def _is_newer(job: Job, one: str, other: str) -> bool:
    return _mtime(job, one) > _mtime(job, other)


def _mtime(job: Job, prefix: str) -> float:
    """:return: time of the last write to a file `PREFIX.…` of the job; 0 if there is none"""
    paths = [folder_of(job, name) for name in file_names(job) if name.startswith(f"{prefix}.")]
    return max((os.path.getmtime(path) for path in paths if os.path.exists(path)), default=0.0)
