"""Sisyphus's records of a job: the log of its submissions to engines, and the resources that its last try used."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any

from jobs.workdir.job_files import file_names, read_text
from sisyphus import Job, gs


@dataclass(frozen=True)
class Submission:
    """
    :param engine: `local`, `slurm` or `sge`
    :param numbers: the cluster's job numbers; empty for the local engine
    :param completed_fraction: of the job, when it was submitted
    """

    engine: str
    numbers: tuple[str, ...]
    completed_fraction: float


def read_submissions(job: Job) -> list[Submission]:
    """:return: submissions of all tasks, those of each task in order"""
    found = []
    for name in file_names(job):
        if name.startswith(f"{gs.ENGINE_SUBMIT}."):
            for line in (read_text(job, name) or "").splitlines():
                _ids, entry = _literal(line) or ((), None)
                if entry:
                    info = entry.get("engine_info")
                    numbers = tuple(str(number) for _, number in info if number) if isinstance(info, list) else ()
                    found.append(Submission(entry["engine_name"], numbers, entry.get("completed_fraction") or 0.0))
    return found


def read_usage(job: Job) -> dict[str, Any]:
    """:return: the last record that the job's worker wrote: `host`, `pid`, `max`, `used_time`, …; {} without one"""
    names = [name for name in file_names(job) if name.startswith(f"{gs.PLOGGING_FILE}.")]
    return (_literal(read_text(job, max(names, key=_task_and_number)) or "") or {}) if names else {}


def _task_and_number(name: str) -> tuple[str, int]:
    """:return: of a file `usage.TASK.NUMBER`; number 10 comes after number 2"""
    task, _, number = name.rpartition(".")
    return task, int(number) if number.isdecimal() else 0


def _literal(text: str) -> Any:
    """:return: None for an incomplete record of a process that died while it wrote"""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
