"""Ends what runs or waits for jobs, wherever it is, and waits until it is gone."""

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
"""Seconds that jobs of a cluster have to save and end in."""


def end_jobs(jobs: list[Job], console: Console) -> None:
    """
    Lets running jobs save and end, takes others out of the queue, and returns when nothing is left of them.

    :raises BoulderError: if that is not possible from here, or takes too long
    """
    living = look(jobs)
    end, asked = time.monotonic() + _PATIENCE, set[str]()
    while living:
        for job, state in living:
            if state.elsewhere:
                raise BoulderError(f"{name_of(job)} runs on {state.elsewhere}: this can be done only there")
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
            raise BoulderError(f"{names}: still there after {_PATIENCE:.0f} s; end it by hand, then try again")
        living = look(jobs)
        if living:
            time.sleep(0.5)


def look(jobs: list[Job]) -> list[tuple[Job, JobState]]:
    """
    :return: those jobs that run or are queued where it can be seen; what only a local engine has in its queue is not there
    :raises BoulderError: if a scheduler gives no answer
    """
    judge = Judge(jobs)
    states = [(job, judge.state(job)) for job in jobs]
    if judge.problems:
        raise BoulderError(judge.problems[0])
    return [
        (job, state) for job, state in states if state.name in ALIVE and (state.where or state.name == gs.STATE_RUNNING)
    ]
