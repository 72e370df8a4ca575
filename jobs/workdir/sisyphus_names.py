"""The only file that uses names of Sisyphus that begin with `_sis_`: they are not part of its public interface.

tests/embedded/test_same_as_upstream.py holds that upstream Sisyphus and embedded/sisyphus have each of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from sisyphus import Job, Task, gs, tk, toolkit
from sisyphus.job import job_finished


def folder_of(job: Job, name: str | None = None) -> str:
    """
    :param name: of a file or folder in the job's directory; None: the directory itself
    :return: path relative to the folder of settings.py
    """
    return job._sis_path(name)


def inputs_of_job(job: Job) -> list[tk.Path]:
    """:return: the paths that the job reads, sorted"""
    return sorted(job._sis_inputs)


def outputs_of_job(job: Job) -> list[tk.Path]:
    """:return: the paths that the job declares, in order"""
    return list(job._sis_outputs.values())


def tasks_of_job(job: Job) -> Iterable[Task]:
    """:return: the job's tasks. Its inputs must exist."""
    return job._sis_tasks()


class _JobFolder:
    """What functions that look into a job's directory use of a job."""

    def __init__(self, job_id: str) -> None:
        self._id = job_id

    def job_id(self) -> str:
        return self._id

    def _sis_path(self, name: str | None = None) -> str:
        return f"{gs.WORK_DIR}/{self._id}{f'/{name}' if name else ''}"


def job_of_folder(job_id: str) -> Job:
    """:return: a stand-in for a job of which only the directory is known: no config lays it out any more"""
    return cast(Job, _JobFolder(job_id))


def is_finished(job: Job) -> bool:
    """Whether the job's directory says that it has finished. Unlike `Job._sis_finished`, this changes nothing."""
    return job_finished(folder_of(job))


def folder_is_finished(folder: str) -> bool:
    """Whether the directory of a job says that it has finished."""
    return job_finished(folder)


def is_held_by_config(job: Job) -> bool:
    """Whether the config called `hold()` of the job."""
    return job._sis_hold_job


def alias_prefixes_of(job: Job) -> list[str]:
    """:return: the folders of alias/ and output/ in which the job is linked: `gs.ALIAS_AND_OUTPUT_SUBDIR` of each config"""
    return sorted(job._sis_alias_prefixes or {""})


def set_up_directory(job: Job) -> None:
    """Create the job's directory as the manager does before it submits the job."""
    job._sis_setup_directory()


def leave_jobs_unmarked() -> None:
    """
    Let this process inspect jobs without changing them: Sisyphus's own check would mark a job as finished and call
    `on_job_finished`, which only the manager may do.
    """

    def finished(self: Any) -> bool:
        return self._sis_is_finished or is_finished(self)

    Job._sis_finished = finished  # type: ignore[method-assign]  # Sisyphus has no other way


def become_manager() -> None:
    """Declare this process the manager. `tk.running_in_manager()` then says so."""
    toolkit._sis_running_in_manager = True
