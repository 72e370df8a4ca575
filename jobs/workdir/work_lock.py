"""One manager for each work directory: two would start every job twice."""

import fcntl
import os
import socket
import sys
import time
import warnings
from pathlib import Path

import sisyphus
from boulder.errors import BoulderError
from jobs import ROOT
from sisyphus import gs, tk

_held: dict[str, int] = {}  # work directory → file descriptor, open as long as this process lives
_SECONDS_OF_A_LOOK = 1.0  # `manager_at_work` of another process holds the lock for a moment


def lock_work_directory() -> None:
    """
    Makes this process the only manager of its work directory. The kernel frees the lock when the process ends, also by
    kill -9.

    :raises BoulderError: if another manager holds it
    """
    directory = os.path.realpath(gs.WORK_DIR)
    if directory in _held:
        return
    os.makedirs(directory, exist_ok=True)
    descriptor = os.open(_lock_file(), os.O_RDWR | os.O_CREAT, 0o666)
    end = time.monotonic() + _SECONDS_OF_A_LOOK
    try:
        while not _locked(descriptor):
            if time.monotonic() > end:
                holder = os.read(descriptor, 200).decode(errors="replace").strip()
                os.close(descriptor)
                raise BoulderError(
                    f"another manager ({holder or 'unknown'}) is at work in {directory}; wait for it, or stop it first"
                )
            time.sleep(0.05)
    except OSError as error:  # a file system without locks: better unguarded than not at all
        warnings.warn(
            f"{directory} cannot be locked ({error.strerror}): see that only one manager works on it", stacklevel=2
        )
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}, {_which()} Sisyphus\n".encode())
    _held[directory] = descriptor


def _lock_file() -> Path:
    return Path(os.path.realpath(gs.WORK_DIR), ".manager.lock")


def _which() -> str:
    return "embedded" if Path(sisyphus.__file__).is_relative_to(ROOT / "embedded") else "upstream"


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def manager_at_work() -> str | None:
    """:return: `process 123 on host, embedded Sisyphus` (or upstream) of another process that is the manager, if there is"""
    if os.path.realpath(gs.WORK_DIR) in _held:
        return None
    try:
        with open(_lock_file(), "r+b") as file:
            if _locked(file.fileno()):
                return None
            return file.read(200).decode(errors="replace").strip() or "unknown"
    except OSError:
        return None  # there was none yet, or the file system has no locks


def lock_if_sis_manager() -> None:
    """For `sis manager`, whose own code knows of no lock; a console, a worker or a test may look at the same jobs."""
    if tk.running_in_manager() and any(word in ("manager", "m") for word in sys.argv[1:]):
        lock_work_directory()
