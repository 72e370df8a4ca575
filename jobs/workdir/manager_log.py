"""What the manager says: its warnings and errors, on the console and, those about a job, in the job's directory.

Sisyphus only logs them. The file manager.log in a job's directory holds them for commands in other processes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from jobs.workdir.job_files import file_names, read_text
from jobs.workdir.job_graph import with_inputs
from jobs.workdir.job_name import name_of
from jobs.workdir.killed import advice_on, why_killed
from jobs.workdir.sisyphus_names import folder_of
from sisyphus import Job, gs, toolkit

MANAGER_LOG = "manager.log"
_SECONDS_BEFORE_REPEATING = 3600.0
_CLOCK = "%Y-%m-%d %H:%M:%S"
_LINE = re.compile(r"\d+-\d+-\d+ \d+:\d+:\d+ ([A-Z]+) (.*)")
_REPEATS_ITSELF = "sisyphus.cluster"  # says when a scheduler stops answering and when it answers again, each time anew
_RUNS_ANEW = (gs.JOB_LOG, gs.ENGINE_SUBMIT)  # prefixes of files: after a later submission, the messages are of the past


class ManagerLog(logging.Handler):
    """
    Takes the warnings and errors of Sisyphus and of the config. A message that repeats itself is told once an hour.

    An error about a job is not shown here, since it is the reason for the state that `tell_failure` reports.
    """

    def __init__(self, show: Callable[[str], None] | None, keep: bool) -> None:
        """
        :param show: prints a line; None: nothing is shown
        :param keep: whether to append messages to the directories of the jobs that they name
        """
        super().__init__(logging.WARNING)
        self._show, self._keep = show, keep
        self._told: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        text = " ".join(record.getMessage().split())
        if record.name.startswith(("asyncio", "matplotlib")) or self._is_repeated(record.name, text):
            return  # asyncio's are about tasks that a stopped manager leaves, matplotlib's about the folder of its cache
        text += advice_on(text)
        folders = _folders_named_in(text) if self._keep else []
        line = f"{time.strftime(_CLOCK)} {record.levelname} {text}\n"
        kept = [folder for folder in folders if _append(os.path.join(folder, MANAGER_LOG), line)]
        if self._show and not (kept and record.levelno >= logging.ERROR):
            self._show(f"{record.levelname.lower()}: {_with_aliases(text)}")

    def _is_repeated(self, logger: str, text: str) -> bool:
        now = time.monotonic()
        told = self._told.get(text)
        if logger != _REPEATS_ITSELF and told is not None and now - told < _SECONDS_BEFORE_REPEATING:
            return True
        self._told[text] = now
        return False


def listen(*, verbose: bool = False, keep: bool = False) -> None:
    """
    Print warnings and errors of Sisyphus to stderr, each in one line.

    :param verbose: print everything, as Sisyphus formats it
    :param keep: for a manager: also append to the directories of jobs
    """
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(message)s", force=True)
    root = logging.getLogger()
    if verbose:
        root.addHandler(ManagerLog(None, keep))
    else:
        root.handlers[:] = [ManagerLog(lambda line: print(line, file=sys.stderr), keep)]


def keep_messages() -> None:
    """Append messages to the directories of jobs, in a manager that shows them itself."""
    root = logging.getLogger()
    if not any(isinstance(handler, ManagerLog) for handler in root.handlers):
        root.addHandler(ManagerLog(None, keep=True))


@dataclass(frozen=True)
class Message:
    """
    :param is_error: whether the manager refuses to run the job
    :param text: one line
    """

    is_error: bool
    text: str


def last_message(job: Job, since: float = 0.0) -> Message | None:
    """
    :param since: in seconds since 1970
    :return: what a manager said last about the job; None if it was before `since`, or before the job was started again
    """
    names = file_names(job)
    if MANAGER_LOG not in names or (said := _mtime(job, MANAGER_LOG)) < since:
        return None
    if any(_mtime(job, name) > said for name in names if name.startswith(tuple(f"{kind}." for kind in _RUNS_ANEW))):
        return None
    lines = [found for line in (read_text(job, MANAGER_LOG) or "").splitlines() if (found := _LINE.fullmatch(line))]
    if not lines:
        return None
    level, text = lines[-1].groups()
    return Message(level in ("ERROR", "CRITICAL"), re.sub(rf"\b{re.escape(job.job_id())}(\.\w+)?", "it", text))


def last_words(job: Job) -> str | None:
    """:return: that the job's worker was killed, or else what a manager said last about it; None: neither"""
    message = last_message(job)
    return why_killed(job) or (message.text if message else None)


def refusal(job: Job, since: float = 0.0) -> str | None:
    """:return: why a manager refused to run the job, see `last_message`; None if it did not"""
    message = last_message(job, since)
    return message.text if message and message.is_error else None


def _append(path: str, line: str) -> bool:
    """:return: False if it cannot be written, on a full disk for example"""
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(line)
    except OSError:
        return False
    return True


def _with_aliases(text: str) -> str:
    """:return: the text, with the names of jobs, as users know them, in place of their ids"""
    with contextlib.suppress(RuntimeError):  # another thread lays out more; an id is right as well
        targets = list(toolkit.sis_graph.targets)
        for job in with_inputs(
            path.creator for target in targets for path in target.required_full_list if path.creator
        ):
            if job.get_aliases() and job.job_id() in text:
                text = re.sub(rf"\b{re.escape(job.job_id())}(\.\w+)?", name_of(job), text)
    return text


def _mtime(job: Job, name: str) -> float:
    """:return: 0 for a file that clean-up has packed"""
    try:
        return os.path.getmtime(folder_of(job, name))
    except OSError:
        return 0.0


def _folders_named_in(text: str) -> list[str]:
    """:return: directories of the jobs whose id, directory or name in a batch system occurs in `text`"""
    found = (folder for word in re.findall(r"[\w./-]+", text) for folder in _candidates(word))
    return [folder for folder in dict.fromkeys(found) if os.path.isfile(os.path.join(folder, gs.JOB_SAVE))]


def _candidates(word: str) -> Iterator[str]:
    """:return: what may be the directory of a job: the beginnings of a path, and those of an id with dots for slashes"""
    word = word.removeprefix(f"{gs.BASE_DIR}/").removeprefix(f"{gs.WORK_DIR}/")
    ends = [match.start() for match in re.finditer("[./]", word)] + [len(word)]
    for end in ends:
        place, dot, digest = word[:end].rpartition(".")
        if dot:
            yield f"{gs.WORK_DIR}/{place}.{digest}"
            yield f"{gs.WORK_DIR}/{place.replace('.', '/')}.{digest}"
