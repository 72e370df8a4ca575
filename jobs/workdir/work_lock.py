"""A lock for the work directory: two managers would start each job twice."""

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
from jobs.workdir.manager_log import keep_messages
from sisyphus import gs, tk

_held: dict[str, int] = {}  # work directory → file descriptor, open until this process ends
_SECONDS_OF_A_LOOK = 1.0  # `manager_at_work` in another process shares the lock for a moment


def lock_work_directory() -> None:
    """
    Make this process the only manager of its work directory. The kernel releases the lock when the process ends, also after
    kill -9.

    :raises BoulderError: if another manager holds the lock, or if the work directory is a link to nothing, or a file
    """
    directory = os.path.realpath(gs.WORK_DIR)
    if directory in _held:
        return
    _check_work_directory(directory)
    os.makedirs(directory, exist_ok=True)
    descriptor = os.open(_lock_file(), os.O_RDWR | os.O_CREAT, 0o666)
    end = time.monotonic() + _SECONDS_OF_A_LOOK
    try:
        while not _locked(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > end:
                holder = os.read(descriptor, 200).decode(errors="replace").strip()
                os.close(descriptor)
                raise BoulderError(
                    f"another manager ({holder or 'unknown'}) is at work in {directory}; wait for it, or stop it first"
                )
            time.sleep(0.05)
    except OSError as error:  # a file system without locks: better unguarded than not at all
        warnings.warn(
            f"{directory} cannot be locked ({error.strerror}): make sure that only one manager works on it",
            stacklevel=2,
        )
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"process {os.getpid()} on {socket.gethostname()}, {which_sisyphus()} Sisyphus\n".encode())
    _held[directory] = descriptor


def manager_at_work() -> str | None:
    """:return: `process 123 on HOST, embedded Sisyphus` (or upstream) if another process is the manager, else None"""
    if os.path.realpath(gs.WORK_DIR) in _held:
        return None
    try:
        with open(_lock_file(), "r+b") as file:
            if _locked(file.fileno(), fcntl.LOCK_SH):  # shared, so that two looks at once see no manager in each other
                return None
            return file.read(200).decode(errors="replace").strip() or "unknown"
    except OSError:
        return None  # no manager has run yet, or the file system has no locks


def is_sis_manager() -> bool:
    """Whether this process is `sis manager`."""
    return tk.running_in_manager() and any(word in ("manager", "m") for word in sys.argv[1:])


def lock_if_sis_manager() -> None:
    """Lock for `sis manager`, whose own code knows no lock. A console, worker or test may open the same jobs unlocked."""
    if is_sis_manager():
        lock_work_directory()
        keep_messages()


def _check_work_directory(directory: str) -> None:
    """:raises BoulderError: if it cannot be made, or would be made in the place of a disk that is not mounted"""
    if os.path.islink(gs.WORK_DIR) and not os.path.exists(directory):
        raise BoulderError(
            f"{gs.WORK_DIR} is a link to {directory}, which does not exist; mount its disk, or make the folder"
        )
    if os.path.exists(directory) and not os.path.isdir(directory):
        raise BoulderError(f"{gs.WORK_DIR} is a file, expected a folder; move it away")


def _lock_file() -> Path:
    return Path(os.path.realpath(gs.WORK_DIR), ".manager.lock")


def which_sisyphus() -> str:
    """:return: `embedded` or `upstream`"""
    return "embedded" if Path(sisyphus.__file__).is_relative_to(ROOT / "embedded") else "upstream"


def _locked(descriptor: int, kind: int) -> bool:
    """:param kind: LOCK_EX or LOCK_SH"""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
