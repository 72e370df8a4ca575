"""A task's log: all its tries one after the other, and while one is at work, a lock that says so."""

import fcntl

INTERRUPTED = 75  #: exit code of a worker whose task wants to be resumed (EX_TEMPFAIL: try again later)


def open_log(path):
    """Appends: the log of a resumed task tells of all its tries."""
    log = open(path, "a")  # noqa: SIM115
    if log.tell():
        log.write(f"\n{'#' * 80}\nRETRY OR CONTINUE TASK\n{'#' * 80}\n\n")
        log.flush()
    return log


def claim_log(path):
    """Lets one worker at a time through, whatever two managers started; None if another one is at work.

    The lock ends with the process that holds it, however that ends, and is not inherited by its children.
    """
    try:
        file = open(path, "r+")  # noqa: SIM115  (locked as long as it is open)
    except OSError:
        return True  # no log: an engine that writes it elsewhere
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
