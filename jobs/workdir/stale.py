"""Jobs whose results stayed although something they depend on is run anew: the mark that says so."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

from jobs.workdir.job_graph import inputs_of, with_inputs
from jobs.workdir.job_name import name_of
from jobs.workdir.sisyphus_names import folder_of, outputs_of_job
from sisyphus import Job, gs, toolkit
from sisyphus.graph import OutputTarget

_MARK = "stale.json"
"""In output/, which clean-up keeps and whoever takes the results takes along. It goes aside with the directory when the job
itself is run anew."""
WANTED = "run anew"
"""Name of the targets that ask for jobs which no output needs."""


def mark_stale(job: Job, because: Job, phase: str) -> None:
    """
    :param because: is run anew, without `job` being so
    :param phase: its name
    """
    folder = folder_of(job, gs.JOB_OUTPUT)
    os.makedirs(folder, exist_ok=True)
    reason = f"from before phase {phase} was run anew"
    with open(os.path.join(folder, _MARK), "w", encoding="utf-8") as file:
        json.dump({"reason": reason, "because": because.job_id()}, file)


def stale_jobs(jobs: Iterable[Job]) -> dict[str, str]:
    """
    :return: job id → why its results are stale, for people; of these jobs and of all that they need. What was made of
        stale results is stale, too
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
    Sisyphus runs only what an output needs. A job that is run anew while later ones keep their results is needed by none,
    unless it is asked for by itself.

    :param jobs: of a pipeline
    """
    known = {job.job_id(): job for job in jobs}
    wanted = {_mark(job).get("because") for job in known.values()}
    for job in (known[name] for name in wanted if name in known):
        toolkit.sis_graph.add_target(OutputTarget(f"{WANTED}: {name_of(job)}", outputs_of_job(job)))


def why_stale(output: str) -> str | None:
    """
    For a worker, which knows no other jobs.

    :param output: path of an output of a job
    :return: why the job was marked as stale, if it was
    """
    return _read(os.path.dirname(output)).get("reason")


def _mark(job: Job) -> dict:
    return _read(folder_of(job, gs.JOB_OUTPUT))


def _read(folder: str) -> dict:
    try:
        with open(os.path.join(folder, _MARK), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}
