"""`InMemory`: sequences that have been read, as a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from boulder.data.dataset import Dataset
from boulder.data.option_kinds import NO_OPTION
from boulder.data.read_sequence import ReadSequence
from boulder.data.streams import Stream


@dataclass(kw_only=True, eq=False)
class InMemory(Dataset):
    """
    :param held: sequences of the same streams
    :param kinds: key → shape and dtype of each stream
    """

    held: Sequence[ReadSequence] = field(metadata=NO_OPTION)
    kinds: Mapping[str, Stream] = field(metadata=NO_OPTION)

    @property
    def streams(self) -> Mapping[str, Stream]:
        return self.kinds

    @property
    def num_seqs(self) -> int:
        return len(self.held)

    @property
    def lengths(self) -> dict[str, np.ndarray]:
        return {key: self._lengths(key) for key in self.kinds}

    @property
    def all_lengths(self) -> dict[str, np.ndarray]:
        keys = self.held[0].lengths if self.held else self.kinds
        return {key: self._lengths(key) for key in keys}

    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        return [self.held[int(index)].data for index in indices]

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        return [self.held[int(index)].tag for index in indices]

    def fingerprint(self) -> str:
        return hashlib.sha256(repr([(seq.tag, seq.lengths) for seq in self.held]).encode()).hexdigest()

    def check(self) -> None:
        """Nothing is opened."""

    def close(self) -> None:
        """Nothing is open."""

    def _lengths(self, key: str) -> np.ndarray:
        return np.array([sequence.lengths[key] for sequence in self.held], "int32")
