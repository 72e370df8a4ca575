"""Files that a reader sees whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replaced(path: str | os.PathLike[str], durable: bool = False) -> Iterator[Path]:
    """
    Yields a temporary path in the same directory. The caller writes a file there; on leaving the context the file is
    renamed to `path`. After an exception the temporary file is removed, and `path` keeps its old content.

    :param durable: flush the file and the rename to the disk, so that both survive a power failure
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        if durable:
            _sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _sync(path.parent)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8 in place of whatever `path` holds."""
    with replaced(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def link(source: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Make `path` another name of a file, or a copy where the file system has no hard links. Both survive a power failure."""
    with replaced(path, durable=True) as temporary:
        temporary.unlink(missing_ok=True)
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def symlink(target: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Make `path` a symbolic link to `target`, in place of a link or file that is there."""
    with replaced(path) as temporary:
        os.symlink(target, temporary)


def _sync(path: Path) -> None:
    """Flush a file or a directory to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
