"""What every report of a pipeline shows: phases, scores, hand-overs, and what is stale or has failed."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from boulder.report.phases import number_growth, number_scores, with_stale, with_times
from boulder.training.scores import read_scores
from jobs.laid_out import Pipeline
from jobs.workdir.failures import error_logs, why_failed
from jobs.workdir.job_name import name_of
from jobs.workdir.manager_log import refusal
from jobs.workdir.sisyphus_names import is_finished
from jobs.workdir.stale import why_stale
from sisyphus import Job, gs

_SECONDS_BETWEEN_READS = 30
"""After which a browser reads the page of an unfinished pipeline again."""


def content_of_pipeline(name: str, pipeline: Pipeline, jobs: Sequence[Job]) -> dict[str, Any]:
    """
    :param pipeline: perhaps unfinished
    :param jobs: its jobs, and all that they depend on
    :return: fields of `boulder.report.Report`
    """
    scores, growth = ([path.get_path() for path in paths] for paths in (pipeline.scores, pipeline.growth))
    unfinished = [job for job in jobs if not is_finished(job)]
    failed = [job for job in unfinished if error_logs(job) or refusal(job)]
    return {
        **content_of_training(name, pipeline.rows, scores, growth),
        "failures": {name_of(job): why_failed(job, gs.STATE_ERROR) for job in failed},
        "refresh": _SECONDS_BETWEEN_READS if unfinished or pipeline.needs is not None else None,
    }


def content_of_training(
    title: str, phases: Sequence[dict[str, Any]], scores: Sequence[str], growth: Sequence[str]
) -> dict[str, Any]:
    """
    :param phases: rows of the phase table, see `boulder.report.PhaseRow`
    :param scores: paths of `out_scores` of the training jobs, in order; a job that has not begun has none
    :param growth: paths of `out_growth`, likewise
    :return: fields of `boulder.report.Report`
    """
    of_jobs = [read_scores(path) for path in scores]
    records = number_scores([record for of_job in of_jobs for record in of_job], phases)
    stale = {
        record["epoch"]: reason
        for of_job, reason in zip(of_jobs, stale_trainings(scores), strict=True)
        if reason
        for record in of_job
    }
    grown = [entry for path in growth if Path(path).exists() for entry in json.loads(Path(path).read_text("utf-8"))]
    return {
        "title": title,
        "phases": with_stale(with_times(phases, records), stale),
        "scores": records,
        "growth": number_growth(grown, phases),
        "environment": _environment(),
    }


def stale_trainings(scores: Sequence[str]) -> list[str | None]:
    """:return: why each training job is stale, or None; a job that continues a stale one is stale too"""
    reasons: list[str | None] = []
    for path in scores:
        reasons.append(why_stale(path) or (reasons[-1] if reasons else None))
    return reasons


def _environment() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version  # it imports 30 modules

    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in ("boulder", "tensorflow", "tensorflow-cpu", "keras", "numpy", "h5py"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
