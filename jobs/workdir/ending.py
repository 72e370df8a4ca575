"""Ends the workers and queued submissions of jobs, on this machine or a cluster, and waits until they are gone."""

from __future__ import annotations

import time

from rich.console import Console
from rich.markup import escape

from boulder.errors import BoulderError
from jobs.workdir.cluster_queue import SCHEDULERS
from jobs.workdir.job_name import name_of
from jobs.workdir.job_state import JobState, Judge
from jobs.workdir.local_workers import end_workers
from jobs.workdir.states import ALIVE
from sisyphus import Job, gs

_PATIENCE = 120.0
"""Seconds that jobs on a cluster have to save and end."""


def end_jobs(jobs: list[Job], console: Console) -> None:
    """
    Let running jobs save and end, cancel queued ones, and return once none of them is left.

    :raises BoulderError: if a job runs on another machine, a scheduler does not answer, or a job does not end in time
    """
    living = look(jobs)
    end, asked = time.monotonic() + _PATIENCE, set[str]()
    while living:
        for job, state in living:
            if state.elsewhere:
                raise BoulderError(f"{name_of(job)} runs on {state.elsewhere}: it can be ended only there")
            if job.job_id() not in asked:
                console.print(f"ending {escape(name_of(job))} ({state.where or state.name})", soft_wrap=True)
            asked.add(job.job_id())
        for engine, scheduler in SCHEDULERS.items():
            numbers = [number for _, state in living for of, number in state.numbers if of == engine]
            if new := [number for number in numbers if number not in asked]:
                scheduler.end(new)
                asked.update(new)
        for _, state in living:
            if state.processes:
                end_workers(list(state.processes))
        if time.monotonic() > end:
            names = ", ".join(f"{name_of(job)} ({state.where})" for job, state in living)
            raise BoulderError(f"{names}: not ended after {_PATIENCE:.0f} s; end it by hand, then try again")
        living = look(jobs)
        if living:
            time.sleep(0.5)


def look(jobs: list[Job]) -> list[tuple[Job, JobState]]:
    """
    :return: the jobs that run or are queued, as far as that can be seen from here. The queue of a local engine cannot: it
        exists only in its manager.
    :raises BoulderError: if a scheduler does not answer
    """
    judge = Judge(jobs)
    states = [(job, judge.state(job)) for job in jobs]
    if judge.problems:
        raise BoulderError(judge.problems[0])
    return [
        (job, state) for job, state in states if state.name in ALIVE and (state.where or state.name == gs.STATE_RUNNING)
    ]
