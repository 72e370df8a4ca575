"""Lets another process change job directories while a manager is at work: between two of its rounds.

Who wants to takes the lock on WORK_DIR/.round.lock, and writes WORK_DIR/.judge_anew before letting go of it: the ids of jobs
that shall run although no output needs them, one a line, perhaps none. The manager forgets what it knew of all jobs.
"""

import contextlib
import fcntl
import os

import sisyphus.global_settings as gs


@contextlib.contextmanager
def one_round():
    """Waits until nobody else is at it. On a file system without locks, nobody can be waited for."""
    os.makedirs(gs.WORK_DIR, exist_ok=True)
    with open(os.path.join(gs.WORK_DIR, ".round.lock"), "a") as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def changed():
    """The ids asked for, once after each change; None if there was none."""
    request = os.path.join(gs.WORK_DIR, ".judge_anew")
    try:
        with open(request) as file:
            ids = file.read().split()
    except FileNotFoundError:
        return None
    os.unlink(request)
    return ids
