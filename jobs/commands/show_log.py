"""`boulder logs`: prints the log of a phase's job, including earlier tries, even after clean-up has packed it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

from boulder.errors import BoulderError
from jobs.commands.opened_config import open_config
from jobs.pieces import find_piece, find_pipeline
from jobs.workdir.earlier_version import earlier_version
from jobs.workdir.failures import why_failed
from jobs.workdir.job_files import file_names, read_text
from jobs.workdir.job_state import Judge
from jobs.workdir.manager_log import last_words
from jobs.workdir.sisyphus_names import folder_of
from jobs.workdir.states import ALIVE, FAILED
from jobs.workdir.work_lock import manager_at_work
from sisyphus import Job, gs

_SECONDS_BETWEEN_LOOKS = 0.2
_SECONDS_BETWEEN_JUDGEMENTS = 2.0
_LOOKS_AT_REST = 3
"""After this many in a row, nobody will resume an interrupted job."""
_ENDS = {gs.STATE_FINISHED, *FAILED}


def show_log(config: str, phase: str, *, pipeline: str | None = None, follow: bool = False) -> int:
    """
    :param phase: see `jobs.pieces.find_piece`
    :param follow: keep printing until the job ends, across interruptions and retries
    :return: exit code; with `follow`, 1 if the job did not finish
    :raises BoulderError: if the job has not begun
    """
    _, chosen = find_pipeline(open_config(config, without_data=True), pipeline)
    job = find_piece(chosen, phase).job
    names = _log_names(job)
    if not names:
        state = Judge([job]).state(job).name
        reason = f": {why_failed(job, state)}" if state in FAILED else ""
        earlier = earlier_version(job)
        before = f"; before the config was edited, it was trained in {earlier}" if earlier else ""
        raise BoulderError(f"phase {phase} has no log: it has not begun, its state is {state}{reason}{before}")
    if follow:
        return _follow(job)
    for name in names:
        if len(names) > 1:
            print(f"==> {folder_of(job, name)} <==")
        sys.stdout.write(read_text(job, name) or "")
    if told := last_words(job):
        print(f"the manager says: {told}", file=sys.stderr)
    return 0


def _log_names(job: Job) -> list[str]:
    """:return: logs of all tasks, without those of failed tries that Sisyphus has set aside"""
    return [name for name in file_names(job) if name.startswith(f"{gs.JOB_LOG}.") and ".error." not in name]


def _follow(job: Job) -> int:
    """Print the logs and everything that is appended to them, task by task."""
    told = ""
    for text in _growing(job):
        sys.stdout.write(text)
        sys.stdout.flush()
        told = text or told
    state = Judge([job]).state(job).name
    if not told.endswith("\n"):
        print()
    reason = f": {why_failed(job, state)}" if state in FAILED else ""
    print(f"the job's state is {state}{reason}", file=sys.stderr)
    return int(state != gs.STATE_FINISHED)


def _growing(job: Job) -> Iterator[str]:
    """:return: the logs from their beginning, then everything appended to them, until the job has ended"""
    printed: dict[str, tuple[int | None, int]] = {}  # name → (inode, bytes): a rerun job has a new log file
    judged, times_at_rest = 0.0, 0
    while True:
        for name in _log_names(job):
            yield _new_text(job, name, printed)
        if times_at_rest == _LOOKS_AT_REST:
            return
        if time.monotonic() - judged > _SECONDS_BETWEEN_JUDGEMENTS:
            judged = time.monotonic()
            state = Judge([job]).state(job).name
            times_at_rest = _LOOKS_AT_REST if state in _ENDS else 0 if _may_go_on(state) else times_at_rest + 1
        else:
            time.sleep(_SECONDS_BETWEEN_LOOKS)


def _new_text(job: Job, name: str, printed: dict[str, tuple[int | None, int]]) -> str:
    inode, count = printed.get(name, (None, 0))
    now: int | None
    try:
        with open(folder_of(job, name), "rb") as file:
            now = os.fstat(file.fileno()).st_ino
            count = count if now == inode else 0
            file.seek(count)
            new = file.read()
    except FileNotFoundError:  # packed meanwhile; a packed log grows no more
        now, new = inode, (read_text(job, name) or "").encode()[count:]
    printed[name] = now, count + len(new)
    return new.decode(errors="replace")


def _may_go_on(state: str) -> bool:
    """Whether the job runs, or a manager may start it."""
    return state in ALIVE or manager_at_work() is not None
