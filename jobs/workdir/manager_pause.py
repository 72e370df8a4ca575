"""Exclusive access to the work directory: either no manager runs on it, or the running one pauses between two rounds."""

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
"""Seconds that a round of the manager may take."""


@contextlib.contextmanager
def manager_paused(wanted: list[str]) -> Iterator[str | None]:
    """
    Keep managers off the work directory inside the context. The embedded manager pauses, then determines all states again, see
    embedded/sisyphus/rounds.py. Upstream's remembers which jobs have finished and cannot be notified of a change.

    :param wanted: ids of jobs that the manager shall run although no output needs them
    :return: description of the manager that pauses; None if none runs
    :raises BoulderError: if upstream's manager runs
    """
    manager = check_manager()
    if manager is None:
        lock_work_directory()  # until this process ends
        yield None
    else:
        with _between_rounds(manager):
            try:
                yield manager
            finally:
                # append: an earlier command may have left ids that the manager has not read yet
                with open(os.path.join(gs.WORK_DIR, ".judge_anew"), "a", encoding="utf-8") as file:
                    file.writelines(f"{job_id}\n" for job_id in wanted)


def check_manager() -> str | None:
    """
    :return: as `manager_at_work`
    :raises BoulderError: if it is upstream's
    """
    manager = manager_at_work()
    if manager and manager.endswith("upstream Sisyphus"):
        raise BoulderError(
            f"a manager of upstream Sisyphus is at work ({manager}), and it remembers which jobs have finished: stop it "
            "(Ctrl-C), repeat this command, then start it again"
        )
    return manager


@contextlib.contextmanager
def _between_rounds(manager: str) -> Iterator[None]:
    with open(os.path.join(gs.WORK_DIR, ".round.lock"), "a", encoding="utf-8") as file:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise BoulderError(f"the manager ({manager}) does not finish its round; stop it first") from None
                time.sleep(0.01)
        yield
