"""The work directory for oneself: no manager is at work on it meanwhile, or the one that is waits between two rounds."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator

from boulder.errors import BoulderError
from jobs.workdir.work_lock import lock_work_directory, manager_at_work
from sisyphus import gs

_PATIENCE = 120.0
"""Seconds that a manager's round may take."""


@contextlib.contextmanager
def no_manager_at_it(wanted: list[str]) -> Iterator[str | None]:
    """
    Upstream's manager remembers what was finished and cannot be told of a change. The embedded one waits, and judges all
    jobs anew afterwards: see embedded/sisyphus/rounds.py.

    :param wanted: ids of jobs that shall be run although no output needs them
    :return: the manager that waits, for people; None if none is at work
    :raises BoulderError: if upstream's is
    """
    manager = check_manager()
    if manager is None:
        lock_work_directory()  # as long as this process lives
        yield None
    else:
        with _between_rounds(manager):
            try:
                yield manager
            finally:
                _write(os.path.join(gs.WORK_DIR, ".judge_anew"), "".join(f"{job_id}\n" for job_id in wanted))


def check_manager() -> str | None:
    """
    :return: as `manager_at_work`
    :raises BoulderError: if it is upstream's
    """
    manager = manager_at_work()
    if manager and manager.endswith("upstream Sisyphus"):
        raise BoulderError(
            f"a manager of upstream Sisyphus is at work ({manager}), which remembers what was finished: stop it (Ctrl-C), "
            "give this command again, then start it again"
        )
    return manager


@contextlib.contextmanager
def _between_rounds(manager: str) -> Iterator[None]:
    with open(os.path.join(gs.WORK_DIR, ".round.lock"), "a") as file:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise BoulderError(
                        f"the manager ({manager}) does not come to the end of a round; stop it first"
                    ) from None
                time.sleep(0.01)
        yield


def _write(path: str, text: str) -> None:
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.new", path)
