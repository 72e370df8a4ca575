"""`boulder graph`: draws the jobs of a config."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from boulder.counted import counted
from boulder.errors import BoulderError
from boulder.report.graph_picture import JobBox, check_suffix, draw_graph
from boulder.training.scores import read_scores
from jobs.commands.opened_config import open_config
from jobs.jobs_of_configs import needed_jobs
from jobs.phase_training import PhaseTrainingJob
from jobs.workdir.job_graph import inputs_of
from jobs.workdir.job_name import name_of
from jobs.workdir.job_state import Judge
from jobs.workdir.stale import stale_jobs
from sisyphus import Job


def show_graph(config: str, output: str, console: Console) -> int:
    """
    :param output: file; its suffix sets the format, see `boulder.report.graph_picture.SUFFIXES`
    :return: exit code
    :raises BoulderError: if the config cannot be laid out, the format is unknown, or the file cannot be written
    """
    check_suffix(output)
    open_config(config, without_data=True)
    jobs = needed_jobs()
    judge, stale = Judge(jobs), stale_jobs(jobs)
    boxes = [
        JobBox(job.job_id(), _short_name(job), judge.state(job).name, _note(job), job.job_id() in stale) for job in jobs
    ]
    edges, hand_overs = [], []
    for job in jobs:
        for needed in inputs_of(job):
            edge = needed.job_id(), job.job_id()
            edges.append(edge)
            if isinstance(job, PhaseTrainingJob) and isinstance(needed, PhaseTrainingJob):
                hand_overs.append(edge)
    try:
        draw_graph(boxes, edges, hand_overs, output)
    except OSError as error:
        raise BoulderError(f"{output}: cannot be written: {error.strerror}") from error
    console.print(f"{escape(output)}: {counted(len(jobs), 'job')}", soft_wrap=True)
    return 0


def _short_name(job: Job) -> str:
    """:return: alias, or class without the hash"""
    return name_of(job) if job.get_aliases() else type(job).__name__


def _note(job: Job) -> str:
    """:return: the progress of a training; "" for any other job"""
    if not isinstance(job, PhaseTrainingJob):
        return ""
    epochs = job.phases[-1]["last_epoch"] - job.phases[0]["first_epoch"] + 1
    done = len(read_scores(job.out_scores.get_path()))
    return f"{done}/{epochs} epochs"
