"""`KeptFolder`: the checkpoints that a training job keeps, as outputs, after its store has dropped them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from boulder.atomic_file import link
from boulder.errors import CheckpointError
from boulder.training.history import EpochRecord
from boulder.training.keep import Keep

_NAME = re.compile(r"epoch\.(\d+)\.h5$")


def kept_name(epoch: int) -> str:
    """:return: name of the file of a kept checkpoint"""
    return f"epoch.{epoch:06d}.h5"


def kept_files(folder: str | Path) -> dict[int, Path]:
    """:return: epoch → checkpoint in a folder of kept ones"""
    found = {path: _NAME.match(path.name) for path in sorted(Path(folder).glob("epoch.*.h5"))}
    return {int(match[1]): path for path, match in found.items() if match}


class KeptFolder:
    """
    :param folder: created when needed
    :param keep: which epochs
    """

    def __init__(self, folder: Path, keep: Keep) -> None:
        self.folder, self.keep = folder, keep

    def update(self, checkpoint: Path, history: Sequence[EpochRecord]) -> None:
        """
        Keep the checkpoint of the last epoch of `history` if it is wanted, and delete those that no longer are. May be
        repeated: a resumed job calls it again for the epoch from which it resumes.

        :raises CheckpointError: if the file cannot be written
        """
        epoch, wanted = history[-1]["epoch"], self.keep.wanted(history)
        if epoch in wanted:
            self._link(checkpoint, epoch)
        for other, path in kept_files(self.folder).items():
            if other not in wanted:
                path.unlink()

    def fill(self, epochs: Iterable[int], checkpoint: Path) -> list[int]:
        """
        :param epochs: epochs of a job that has ended
        :param checkpoint: its last one
        :return: those of the wanted epochs that it did not train, since training had stopped; they are `checkpoint` now
        """
        missing = [epoch for epoch in self.keep.epochs if epoch in epochs and epoch not in kept_files(self.folder)]
        for epoch in missing:
            self._link(checkpoint, epoch)
        return missing

    def _link(self, checkpoint: Path, epoch: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / kept_name(epoch)
        try:
            link(checkpoint, path)
        except OSError as error:
            raise CheckpointError(f"checkpoint {path}: cannot be written: {error.strerror}") from error
