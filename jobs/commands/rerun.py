"""`boulder rerun`: run a phase and everything that depends on it again. Old results are moved aside, never deleted."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape

from boulder.errors import BoulderError
from boulder.report.formatting import duration
from boulder.training.scores import read_scores
from jobs.commands.opened_config import open_config
from jobs.jobs_of_configs import needed_jobs
from jobs.phase_training import PhaseTrainingJob
from jobs.pieces import find_piece, find_pipeline
from jobs.report import ReportJob
from jobs.workdir.ending import end_jobs
from jobs.workdir.job_files import file_names
from jobs.workdir.job_graph import dependants
from jobs.workdir.job_name import name_of
from jobs.workdir.job_state import Judge
from jobs.workdir.manager_pause import check_manager, manager_paused
from jobs.workdir.sisyphus_names import folder_of
from jobs.workdir.stale import mark_stale
from jobs.workdir.submissions import read_usage
from sisyphus import Job, gs

_ASK_FROM = 3600.0
"""Seconds of work that are set aside without asking."""


def rerun(
    config: str, phase: str, console: Console, *, pipeline: str | None = None, only: bool = False, yes: bool = False
) -> int:
    """
    :param phase: see `jobs.pieces.find_piece`
    :param only: keep the results that depend on the phase and mark them as stale. Reports, which take seconds, are rerun.
    :param yes: do not ask, however much work is set aside
    :return: exit code, 1 if the user said no
    :raises BoulderError: if the phase has not begun, a manager of upstream Sisyphus is at work, or a job cannot be ended
    """
    opened = open_config(config)
    _, chosen = find_pipeline(opened, pipeline)
    piece = find_piece(chosen, phase)
    job, later = piece.job, dependants(piece.job, needed_jobs())
    if not os.path.lexists(folder_of(job)):
        raise BoulderError(f"phase {phase} has not begun, so there is nothing to rerun")
    check_manager()
    if len(job.phases) > 1:
        console.print(
            f"phase {piece.name} shares its job with others: all of {escape(name_of(job))} is rerun", soft_wrap=True
        )
    if not yes and not _may_be_set_aside(_begun([job, *later], only)[0]):
        console.print("nothing was changed")
        return 1
    with manager_paused([job.job_id()] if only else []) as manager:
        aside, kept = _begun([job, *later], only)
        end_jobs([*aside, *_queued(kept)], console)
        for other in reversed(aside):  # the first job last: interrupted halfway, the command can be repeated
            _move_aside(other, console)
        end_jobs(aside, console)  # a worker that started meanwhile
        for other in kept:
            if _has_results(other):
                mark_stale(other, job, piece.name)
        _forget_cache()
    for other in kept:
        console.print(f"kept, marked as stale: {escape(name_of(other))}", soft_wrap=True)
    if manager:
        console.print(f"the manager ({escape(manager)}) will run it", soft_wrap=True)
    else:
        console.print(f"to run it: boulder run {escape(shlex.quote(config))}", soft_wrap=True)
    return 0


def _begun(jobs: list[Job], only: bool) -> tuple[list[Job], list[Job]]:
    """
    :param jobs: the job to rerun, then those that depend on it
    :return: (jobs to set aside, jobs to keep), without those that have no directory
    """
    begun = [job for job in jobs if os.path.lexists(folder_of(job))]
    kept = [job for job in begun if only and job is not jobs[0] and not isinstance(job, ReportJob)]
    return [job for job in begun if job not in kept], kept


def _has_results(job: Job) -> bool:
    """Whether the job has run, in a directory of its own. A link leads to another project's, which is not ours to mark."""
    return not os.path.islink(folder_of(job)) and any(name.startswith(f"{gs.JOB_LOG}.") for name in file_names(job))


def _queued(jobs: list[Job]) -> list[Job]:
    """:return: the jobs that have not started: their inputs would be gone when they do"""
    judge = Judge(jobs)
    return [job for job in jobs if judge.state(job).name == gs.STATE_QUEUE]


def _may_be_set_aside(jobs: list[Job]) -> bool:
    """:raises BoulderError: if the user would have to be asked, and there is no terminal"""
    seconds = sum(map(_seconds_of_work, jobs))
    if seconds <= _ASK_FROM:
        return True
    names = ", ".join(map(name_of, jobs))
    if not sys.stdin.isatty():
        raise BoulderError(f"this sets {duration(seconds)} of work aside ({names}): confirm with --yes")
    return typer.confirm(f"This sets {duration(seconds)} of work aside ({names}). Go on?")


def _seconds_of_work(job: Job) -> float:
    """:return: for a training, of all its epochs: the usage file tells only of the last try"""
    epochs = 0.0
    if isinstance(job, PhaseTrainingJob):
        epochs = sum(record.get("seconds", 0.0) for record in read_scores(job.out_scores.get_path()))
    return max(epochs, 3600 * read_usage(job).get("used_time", 0.0))


def _move_aside(job: Job, console: Console) -> None:
    """Rename the job's directory as Sisyphus does when it clears a job."""
    path, number = Path(folder_of(job)), 1
    while os.path.lexists(target := f"{path}.cleared.{number:04d}"):
        number += 1
    os.rename(path, target)
    console.print(f"set aside: {escape(name_of(job))}, in {escape(target)}", soft_wrap=True)


def _forget_cache() -> None:
    """Delete upstream's cache of finished jobs, if settings.py enables it."""
    with contextlib.suppress(AttributeError, FileNotFoundError):
        os.unlink(gs.CACHE_FINISHED_RESULTS_PATH)
