"""Lets another process change job directories while a manager runs, between two of its rounds.

The other process takes the lock on WORK_DIR/.round.lock and, before releasing it, appends to WORK_DIR/.judge_anew the ids of
jobs to run although no output needs them, one per line, possibly none. The manager then forgets the states of all jobs.
"""

import contextlib
import fcntl
import os

import sisyphus.global_settings as gs


@contextlib.contextmanager
def one_round():
    """Waits until no other process holds the lock. Does not wait on a file system without locks."""
    os.makedirs(gs.WORK_DIR, exist_ok=True)
    with open(os.path.join(gs.WORK_DIR, ".round.lock"), "a", encoding="utf-8") as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def changed():
    """Returns the requested ids once after each change; None if nothing has changed."""
    request = os.path.join(gs.WORK_DIR, ".judge_anew")
    try:
        with open(request, encoding="utf-8") as file:
            ids = file.read().split()
    except FileNotFoundError:
        return None
    os.unlink(request)
    return ids
