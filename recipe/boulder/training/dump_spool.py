"""`Spool`: rows of a file that a training writes, kept so that an interrupted epoch goes on where its checkpoint was."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from boulder.errors import CheckpointError, DataError


class Spool:
    """
    A file of sequences, one after the other, to which batches are appended. Each is its tag and an array per stream, in
    NumPy's format.

    :param path: of the file
    :param size: bytes to keep of what is there: those of the batches that a checkpoint knows
    :raises CheckpointError: if there are fewer
    """

    def __init__(self, path: Path, size: int = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        found = path.stat().st_size
        if found < size:
            raise CheckpointError(
                f"{path}: found {found} bytes, expected {size}, which the checkpoint continues; rerun the phase with `boulder rerun`"
            )
        os.truncate(path, size)
        self._path = path
        self._file = path.open("ab")

    @property
    def size(self) -> int:
        """Bytes so far."""
        self._file.flush()
        return self._file.tell()

    def append(self, tag: str, arrays: Mapping[str, np.ndarray]) -> None:
        """:param arrays: stream → values of one sequence; the same streams in each call"""
        try:
            for array in (np.array(tag), *(arrays[key] for key in sorted(arrays))):
                np.save(self._file, array, allow_pickle=False)
        except OSError as error:
            raise DataError(f"{self._path}: cannot be written: {error.strerror or error}") from error

    def sync(self) -> None:
        """Flush everything to the disk, before a checkpoint that needs it."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def rows_of_spool(path: Path, streams: list[str]) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """
    :param streams: in sorted order
    :return: tag, and stream → values, of each sequence
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        while file.tell() < size:
            tag = str(np.load(file, allow_pickle=False))
            yield tag, {key: np.load(file, allow_pickle=False) for key in streams}
