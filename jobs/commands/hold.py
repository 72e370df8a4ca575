"""`boulder hold` and `boulder release`: Sisyphus's hold file, which keeps managers from starting a job."""

from __future__ import annotations

import os

from rich.console import Console
from rich.markup import escape

from boulder.errors import BoulderError
from jobs.commands.opened_config import open_config
from jobs.pieces import find_piece, find_pipeline
from jobs.workdir.ending import end_jobs
from jobs.workdir.job_name import name_of
from jobs.workdir.job_state import Judge
from jobs.workdir.sisyphus_names import folder_of, is_held_by_config, set_up_directory
from jobs.workdir.states import ALIVE
from sisyphus import Job, gs


def hold(config: str, phase: str, console: Console, *, pipeline: str | None = None, stop: bool = False) -> int:
    """
    :param phase: see `jobs.pieces.find_piece`
    :param stop: let a running job save and end
    :return: exit code
    :raises BoulderError: if the job has finished, or cannot be stopped
    """
    job = _job(config, phase, pipeline)
    state = Judge([job]).state(job)
    if state.name == gs.STATE_FINISHED:
        raise BoulderError(f"phase {phase} has finished, so it cannot be held; `boulder rerun` would run it again")
    if not os.path.isdir(folder_of(job)):
        set_up_directory(job)
    with open(folder_of(job, gs.STATE_HOLD), "w", encoding="utf-8"):
        pass
    told = "held"
    if state.name in ALIVE and (stop or state.name != gs.STATE_RUNNING):  # a queued job has nothing to lose
        end_jobs([job], console)
    elif state.name == gs.STATE_RUNNING:
        told = "held, but keeps running; --stop lets it save and end"
    console.print(f"{escape(name_of(job))} is {told}", soft_wrap=True)
    return 0


def release(config: str, phase: str, console: Console, *, pipeline: str | None = None) -> int:
    """
    :return: exit code
    :raises BoulderError: if the job has no hold file
    """
    job = _job(config, phase, pipeline)
    try:
        os.unlink(folder_of(job, gs.STATE_HOLD))
    except FileNotFoundError:
        by_config = ", but by the config: remove the call of hold() there" if is_held_by_config(job) else ""
        raise BoulderError(f"phase {phase} is not held by `boulder hold`{by_config}") from None
    console.print(f"{escape(name_of(job))} is released", soft_wrap=True)
    return 0


def _job(config: str, phase: str, pipeline: str | None) -> Job:
    _, chosen = find_pipeline(open_config(config, without_data=True), pipeline)
    return find_piece(chosen, phase).job
