"""Which job depends on which."""

from __future__ import annotations

from collections.abc import Iterable

from jobs.workdir.sisyphus_names import inputs_of_job
from sisyphus import Job


def inputs_of(job: Job) -> list[Job]:
    """:return: the jobs whose outputs the job reads"""
    creators = {path.creator.job_id(): path.creator for path in inputs_of_job(job) if path.creator is not None}
    return list(creators.values())


def with_inputs(jobs: Iterable[Job]) -> list[Job]:
    """:return: the jobs and everything they depend on, in topological order"""
    stack, seen = list(jobs)[::-1], set[str]()
    found: dict[str, Job] = {}
    while stack:
        job = stack[-1]
        if job.job_id() in seen:
            found.setdefault(job.job_id(), job)
            stack.pop()
        else:
            seen.add(job.job_id())
            stack += [needed for needed in inputs_of(job)[::-1] if needed.job_id() not in seen]
    return list(found.values())


def dependants(job: Job, jobs: list[Job]) -> list[Job]:
    """
    :param jobs: in topological order
    :return: those of `jobs` that depend on `job`, directly or through others, in order
    """
    affected = {job.job_id()}
    for other in jobs:
        if any(needed.job_id() in affected for needed in inputs_of(other)):
            affected.add(other.job_id())
    return [other for other in jobs if other.job_id() in affected and other is not job]
