"""The log of a task: the output of all its tries, and a lock held while a worker runs the task."""

import fcntl
import os

INTERRUPTED = 75  #: exit code of a worker whose task can be resumed (EX_TEMPFAIL: try again later)


def open_log(path):
    """Opens a log for appending: the log of a resumed task has the output of all its tries."""
    log = open(path, "a", encoding="utf-8")  # noqa: SIM115
    if log.tell():
        log.write(f"\n{'#' * 80}\nRETRY OR CONTINUE TASK\n{'#' * 80}\n\n")
        log.flush()
    return log


def last_line(path) -> str:
    """Returns "" if there is none."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 4000))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def claim_log(path):
    """Lets one worker at a time run a task, even if two managers started it; returns None if another worker holds the lock.

    The kernel releases the lock when the process ends for any reason. Child processes do not inherit it.
    """
    try:
        file = open(path, "r+", encoding="utf-8")  # noqa: SIM115  (locked as long as it is open)
    except OSError:
        return True  # no log: the engine writes it elsewhere
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.close()
        return None
    except OSError:
        pass  # a file system without locks
    return file


def log_is_claimed(path) -> bool:
    claim = claim_log(path)
    if hasattr(claim, "close"):
        claim.close()
    return claim is None
