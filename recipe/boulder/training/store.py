"""The folder in which a training job keeps its checkpoints, and from which it goes on after it was cut off."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from boulder.errors import CheckpointError
from boulder.training.checkpoint import Checkpoint

_NAME = re.compile(r"epoch\.(\d+)(?:\.batch\.(\d+))?\.h5$")
_BATCHES = 1000  # after so many half of an epoch is taken to be done
_SECONDS_FOR_FILES = 60  # of another machine, to appear here
_KEEP = 2  # the newest, and the one before in case that the newest is damaged


class CheckpointStore:
    """
    :param folder: made if it is not there
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, epoch: int, batch: int) -> Path:
        """:param batch: number of batches of the epoch that are done; 0: all"""
        return self.folder / (f"epoch.{epoch:06d}" + (f".batch.{batch:08d}" if batch else "") + ".h5")

    def save(self, checkpoint: Checkpoint) -> Path:
        """:raises CheckpointError: if it cannot be written; the older ones stay"""
        path = self.path(checkpoint.epoch, checkpoint.batches_done)
        checkpoint.save(path)
        for old in [p for p in self.paths() if p != path][_KEEP - 1 :]:
            old.unlink()
        return path

    def paths(self) -> list[Path]:
        """:return: newest first"""
        found = [(match, path) for path in self.folder.glob("epoch.*.h5") if (match := _NAME.match(path.name))]
        return [path for _, path in sorted(found, key=lambda pair: _progress(pair[0]), reverse=True)]

    def newest(self, say: Callable[[str], None]) -> Checkpoint | None:
        """
        :param say: is told of files that are damaged
        :return: the newest one that is whole, None if there is none
        """
        for path in self.paths():
            try:
                return Checkpoint.load(path)
            except CheckpointError as error:
                say(f"{error}; resuming from the one before it")
                path.rename(path.with_suffix(".damaged"))
        return None


class ForeignStore(CheckpointStore):
    """The store of a process that trains together with the chief, which alone writes and chooses."""

    def save(self, checkpoint: Checkpoint) -> Path:
        """:return: where the chief saves it"""
        return self.path(checkpoint.epoch, checkpoint.batches_done)

    def newest(self, say: Callable[[str], None]) -> None:
        """The chief says it."""

    def load(self, epoch: int, batch: int) -> Checkpoint:
        """
        Waits for it: the chief's machine may see files before this one does.

        :raises CheckpointError: if it does not come, or is damaged
        """
        path, end = self.path(epoch, batch), time.monotonic() + _SECONDS_FOR_FILES
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.1)
            os.listdir(self.folder)  # has a network file system look again
        return Checkpoint.load(path)


def _progress(match: re.Match) -> tuple[int, float]:
    """:return: (epoch, batch); a whole epoch comes after all of its batches"""
    return int(match[1]), float(match[2]) if match[2] else float("inf")


def epochs_saved(folder: str | Path) -> float:
    """
    :return: epochs that the newest checkpoint in `folder` has behind it, 0 if there is none. Only looks at names. They do not
        tell how many batches an epoch has, so that a part of one is an estimate, which grows with each batch
    """
    matches = [_NAME.match(path.name) for path in Path(folder).glob("epoch.*.h5")]
    return max((_epochs(int(match[1]), match[2]) for match in matches if match), default=0.0)


def _epochs(epoch: int, batch: str | None) -> float:
    return epoch - 1 + int(batch) / (int(batch) + _BATCHES) if batch else float(epoch)
