"""Why a job has failed, by its logs and by what the manager said."""

from __future__ import annotations

import os

from jobs.workdir.killed import why_killed
from jobs.workdir.manager_log import refusal
from jobs.workdir.sisyphus_names import folder_of
from jobs.workdir.submissions import read_submissions
from sisyphus import Job, gs


def why_failed(job: Job, state: str) -> str:
    """
    :param state: one of `jobs.workdir.states.FAILED`
    :return: the last error message in the job's logs, or what the manager said, or what the state means
    """
    told = "; ".join(map(_last_line, error_logs(job))) or refusal(job)
    if told:
        return told
    killed = why_killed(job)
    folder = f"{f'{killed}; ' if killed else ''}its folder is {folder_of(job)}"
    if state == gs.STATE_RETRY_ERROR:
        return (
            f"it was started {len(read_submissions(job))} times, the last {gs.MAX_SUBMIT_RETRIES} without progress "
            f"(MAX_SUBMIT_RETRIES in settings.py); {folder}"
        )
    if state == gs.STATE_INTERRUPTED_NOT_RESUMABLE:
        return f"it was interrupted, and cannot resume, only begin anew; {folder}"
    if state == gs.STATE_QUEUE_ERROR:
        numbers = [number for one in read_submissions(job) for number in one.numbers][-1:]
        asked = "".join(f"; `qstat -j {number}` tells why" for number in numbers)
        return f"the queue does not start it{asked}; {folder}"
    return f"state {state}; {folder}"


def error_logs(job: Job, since: float = 0.0) -> list[str]:
    """:return: logs of the tasks that failed after `since`, in seconds since 1970"""
    folder = folder_of(job)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    errors = [name for name in names if name.startswith("error.")]
    new = [name for name in errors if os.path.getmtime(os.path.join(folder, name)) >= since]
    return [os.path.join(folder, f"log.{name.removeprefix('error.')}") for name in new]


def _last_line(log: str) -> str:
    """:return: the last line of a log that has an error message, else its last line"""
    from rich.text import Text

    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [Text.from_ansi(line).plain.strip() for line in file if line.strip()]
    except OSError as error:
        return str(error)
    told = [line for line in lines if "Error: " in line]
    return (told or lines or ["the log is empty"])[-1]
