"""Files that have changed after jobs had read them. Sisyphus knows a file by its path, so it does not run such jobs again."""

from __future__ import annotations

import os
from collections.abc import Iterable

from boulder.counted import counted
from jobs.workdir.job_files import file_names
from jobs.workdir.job_name import name_of
from jobs.workdir.sisyphus_names import folder_of, inputs_of_job
from sisyphus import Job, gs


def changed_data(jobs: Iterable[Job]) -> list[str]:
    """:return: a line for each file that no job makes and that is newer than the last that a job did which reads it"""
    readers: dict[str, list[str]] = {}
    for job in jobs:
        last = _last_seconds(job)
        for path in inputs_of_job(job) if last else ():
            if path.creator is None and _mtime(path.get_path()) > last:
                readers.setdefault(os.path.relpath(path.get_path()), []).append(name_of(job))
    return [
        f"{file} has changed since {names[0]} read it{_others(names[1:])}; what exists is kept, `boulder rerun` makes it anew"
        for file, names in ((file, sorted(names)) for file, names in sorted(readers.items()))
    ]


def _others(names: list[str]) -> str:
    return f", and {counted(len(names), 'other job', 'other jobs')}" if names else ""


def _last_seconds(job: Job) -> float:
    """:return: when the job finished or, before, wrote to its log; in seconds since 1970, 0.0 if it has not begun"""
    names = file_names(job)
    ends = [name for name in (gs.JOB_FINISHED_MARKER, gs.JOB_FINISHED_ARCHIVE) if name in names]
    written = ends[:1] or [name for name in names if name.startswith(f"{gs.JOB_LOG}.")]
    return max((_mtime(folder_of(job, name)) for name in written), default=0.0)


def _mtime(path: str) -> float:
    """:return: 0.0 for a file that is gone, or that clean-up has packed"""
    try:
        return os.path.getmtime(path)
    except OSError:
        return 0.0
