"""What the command line says of an error of the operating system: a full disk, a folder that may not be written, …"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path

OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE}
"""Errors that are no fault of the code that meets them."""

_FREE_SPACE = "free some space, then repeat the command"


def told(error: OSError) -> str:
    """:return: a line: the file, what is wrong, and what would help"""
    reason = error.strerror or str(error) or type(error).__name__
    name = error.filename if isinstance(error.filename, str) else None
    where = f"{name}: " if name else ""
    return f"{where}{reason}{_advice(error.errno, Path(name) if name else None)}"


def why_not_writable(folder: Path) -> str:
    """
    :param folder: in which a file could not be made
    :return: for a message: to whom it belongs
    """
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return f"{there} belongs to {_name_of(there.stat().st_uid)}, and you are {_name_of(os.geteuid())}"


def _advice(number: int | None, path: Path | None) -> str:
    if number in (errno.ENOSPC, errno.EDQUOT):
        full = full_places()
        return f"{f' (nothing is free in {full})' if full else ''}; {_FREE_SPACE}"
    if number in (errno.EACCES, errno.EPERM) and path is not None:
        return f"; {why_not_writable(path)}"
    if number == errno.EROFS:
        return "; work in a folder that can be written, with a link to settings.py and a folder config/"
    return ""


def tell_full_places() -> str:
    """:return: a line; "" if there is space everywhere"""
    full = full_places()
    return f"nothing is free in {full}: {_FREE_SPACE}" if full else ""


def full_places() -> str:
    """:return: the places to which a command writes whose file system has nothing left, e.g. `work, /tmp`; "" for none"""
    return ", ".join(dict.fromkeys(_full_places()))


def _full_places() -> Iterator[str]:
    from sisyphus import gs  # reads settings.py, which is not everywhere

    places: list[tuple[str, str | int]] = [(gs.WORK_DIR, gs.WORK_DIR), (os.getcwd(), os.getcwd())]
    with contextlib.suppress(OSError):
        places.append((folder := tempfile.gettempdir(), folder))
    for title, place in [*places, ("the output", 1)]:
        with contextlib.suppress(OSError):
            found = os.statvfs(place) if isinstance(place, str) else os.fstatvfs(place)
            if (found.f_blocks and not found.f_bavail) or (found.f_files and not found.f_favail):
                yield title


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # in a container a user may have no name
        return f"user {user}"
