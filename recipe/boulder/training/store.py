"""The folder of a training job's checkpoints, from which it resumes after an interruption."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from boulder.errors import CheckpointError
from boulder.training.checkpoint import Checkpoint

_NAME = re.compile(r"epoch\.(\d+)(?:\.batch\.(\d+))?\.h5$")
_BATCHES = 1000  # after this many batches an epoch counts as half done
_SECONDS_FOR_FILES = 60  # for files of another machine to appear here
CHECKPOINT_MINUTES = 30.0
"""Default of `checkpoint_minutes` of training jobs."""

_KEEP = 2  # the newest, and the one before it in case the newest is damaged


class CheckpointStore:
    """
    Only one process writes to a store, so temporary files in it are those of a process that was killed while saving.

    :param folder: created if missing; temporary files are deleted
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._saved = time.monotonic()
        self._delete_temporaries()

    def _delete_temporaries(self) -> None:
        for path in self.folder.glob(".epoch.*.h5.*"):  # see `boulder.atomic_file.replaced`
            path.unlink(missing_ok=True)

    def path(self, epoch: int, batch: int) -> Path:
        """:param batch: number of batches of the epoch that are done; 0 for all"""
        return self.folder / (f"epoch.{epoch:06d}" + (f".batch.{batch:08d}" if batch else "") + ".h5")

    def save(self, checkpoint: Checkpoint) -> Path:
        """
        Save a checkpoint and delete old ones.

        :raises CheckpointError: if it cannot be written; older ones are kept
        """
        path = self.path(checkpoint.epoch, checkpoint.batches_done)
        checkpoint.save(path)
        self._saved = time.monotonic()
        for old in [p for p in self.paths() if p != path][_KEEP - 1 :]:
            old.unlink()
        return path

    @property
    def minutes_since_save(self) -> float:
        """Minutes since the last checkpoint, or since the process began."""
        return (time.monotonic() - self._saved) / 60

    def load(self, epoch: int, batch: int) -> Checkpoint:
        """
        :param batch: see `path`
        :raises CheckpointError: if it is missing or damaged
        """
        return Checkpoint.load(self.path(epoch, batch))

    def paths(self) -> list[Path]:
        """:return: newest first"""
        found = [(match, path) for path in self.folder.glob("epoch.*.h5") if (match := _NAME.match(path.name))]
        return [path for _, path in sorted(found, key=lambda pair: _progress(pair[0]), reverse=True)]

    def newest(self, say: Callable[[str], None]) -> Checkpoint | None:
        """
        :param say: receives a line about each damaged file
        :return: the newest intact checkpoint, None if there is none
        """
        for path in self.paths():
            try:
                return Checkpoint.load(path)
            except CheckpointError as error:
                say(f"{error}; resuming from the one before it")
                path.rename(path.with_suffix(".damaged"))
        return None


class ForeignStore(CheckpointStore):
    """The store as ranks other than 0 use it: rank 0 alone writes and chooses checkpoints."""

    def _delete_temporaries(self) -> None:
        """Keep them: rank 0 may be saving."""

    def save(self, checkpoint: Checkpoint) -> Path:
        """:return: the path under which rank 0 saves it"""
        return self.path(checkpoint.epoch, checkpoint.batches_done)

    def newest(self, say: Callable[[str], None]) -> None:
        """Return None: rank 0 chooses."""

    def load(self, epoch: int, batch: int) -> Checkpoint:
        """
        Wait for the checkpoint, which the machine of rank 0 may see before this one does, and load it.

        :raises CheckpointError: if it does not appear, or is damaged
        """
        path, end = self.path(epoch, batch), time.monotonic() + _SECONDS_FOR_FILES
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.1)
            os.listdir(self.folder)  # makes a network file system refresh its cache
        return super().load(epoch, batch)


def _progress(match: re.Match[str]) -> tuple[int, float]:
    """:return: (epoch, batch); a whole epoch sorts after its batches"""
    return int(match[1]), float(match[2]) if match[2] else float("inf")


def epochs_saved(folder: str | Path) -> float:
    """
    :return: number of epochs that the newest checkpoint has done, 0 if there is none. Only file names are read. They do not
        tell how many batches an epoch has, so the fraction of an unfinished epoch is an estimate that grows with each batch.
    """
    matches = [_NAME.match(path.name) for path in Path(folder).glob("epoch.*.h5")]
    return max((_epochs(int(match[1]), match[2]) for match in matches if match), default=0.0)


def _epochs(epoch: int, batch: str | None) -> float:
    return epoch - 1 + int(batch) / (int(batch) + _BATCHES) if batch else float(epoch)
