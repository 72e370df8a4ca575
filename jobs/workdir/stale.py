"""Marks for stale results: they were kept although a job that they depend on was rerun."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from boulder import strict_json
from boulder.atomic_file import write_text
from jobs.workdir.job_graph import inputs_of, with_inputs
from jobs.workdir.job_name import name_of
from jobs.workdir.sisyphus_names import folder_of, outputs_of_job
from sisyphus import Job, gs, toolkit
from sisyphus.graph import OutputTarget

_MARK = "stale.json"
"""In output/, which clean-up keeps and which is copied along with the results. A rerun of the job itself moves it aside
together with the job's directory."""
WANTED = "rerun of job"
"""Prefix of the names of targets that ask for jobs which no output needs."""


def mark_stale(job: Job, because: Job, phase: str) -> None:
    """
    :param job: keeps its results
    :param because: the job that is rerun, on which `job` depends
    :param phase: name of the phase that `because` trains
    """
    folder = folder_of(job, gs.JOB_OUTPUT)
    os.makedirs(folder, exist_ok=True)
    mark = {"reason": f"from before phase {phase} was rerun", "because": because.job_id()}
    write_text(os.path.join(folder, _MARK), strict_json.dumps(mark))


def stale_jobs(jobs: Iterable[Job]) -> dict[str, str]:
    """
    :return: job id → why its results are stale; for these jobs and all that they depend on. Results that were computed from
        stale ones are stale themselves.
    """
    found: dict[str, str] = {}
    for job in with_inputs(jobs):
        reasons = [found[needed.job_id()] for needed in inputs_of(job) if needed.job_id() in found]
        reason = _mark(job).get("reason") or next(iter(reasons), None)
        if reason:
            found[job.job_id()] = reason
    return found


def ask_for_reruns(jobs: Iterable[Job]) -> None:
    """
    Add a target for each job that is to be rerun. Sisyphus runs only jobs that an output needs, and while the later jobs
    keep their results, no output needs this one.

    :param jobs: of a pipeline
    """
    known = {job.job_id(): job for job in jobs}
    wanted = {_mark(job).get("because") for job in known.values()}
    for job in (known[name] for name in wanted if name in known):
        toolkit.sis_graph.add_target(OutputTarget(f"{WANTED}: {name_of(job)}", outputs_of_job(job)))


def why_stale(output: str) -> str | None:
    """
    For a worker, which knows no job but its own.

    :param output: path of an output of a job
    :return: why that job was marked as stale; None if it was not
    """
    return _read(os.path.dirname(output)).get("reason")


def _mark(job: Job) -> dict[str, str]:
    return _read(folder_of(job, gs.JOB_OUTPUT))


def _read(folder: str) -> dict[str, str]:
    try:
        with open(os.path.join(folder, _MARK), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}
