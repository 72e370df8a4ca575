"""What Sisyphus notes of a job's tries: to which engine each was given, and what the last one used."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from jobs.workdir.job_files import file_names, read_text
from sisyphus import Job, gs


@dataclass(frozen=True)
class Submission:
    """
    :param engine: `local`, `slurm`, `sge`
    :param numbers: the cluster's job numbers; none for a local one
    :param completed_fraction: what had been done before
    """

    engine: str
    numbers: tuple[str, ...]
    completed_fraction: float


def read_submissions(job: Job) -> list[Submission]:
    """:return: of all tasks, those of a task in order"""
    found = []
    for name in file_names(job):
        if name.startswith(f"{gs.ENGINE_SUBMIT}."):
            for line in (read_text(job, name) or "").splitlines():
                _ids, entry = _literal(line) or ((), {})
                info = entry.get("engine_info")
                numbers = tuple(str(number) for _, number in info if number) if isinstance(info, list) else ()
                found += (
                    [Submission(entry["engine_name"], numbers, entry.get("completed_fraction") or 0.0)] if entry else []
                )
    return found


def read_usage(job: Job) -> dict:
    """:return: what the job's worker wrote last: host, pid, max, used_time, …; {} if there is nothing"""
    names = [name for name in file_names(job) if name.startswith(f"{gs.PLOGGING_FILE}.") and not name.endswith(".new")]
    return (_literal(read_text(job, names[-1]) or "") or {}) if names else {}


def _literal(text: str):
    """:return: None for what a process that died has half written"""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return None
