"""`TextDataset`: base of data sets that make labels of lines of text."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from boulder.data.dataset import Dataset
from boulder.data.matching import matched_streams
from boulder.data.streams import Stream
from boulder.data.text.text_lines import TextLines
from boulder.errors import DataError


@dataclass(kw_only=True, eq=False)
class TextDataset(Dataset):
    """Lengths are measured once, by making the labels of all lines. Lines and lengths stay in memory as numbers only."""

    # To be implemented by a subclass

    @property
    @abstractmethod
    def found_streams(self) -> Mapping[str, Stream]:
        """key → all streams of the data, in RETURNN's order"""

    @abstractmethod
    def labels_of(self, index: int, keys: Sequence[str]) -> dict[str, list[int]]:
        """
        :param keys: streams
        :return: key → labels of a sequence
        :raises DataError: for text without labels; the message need not name the sequence
        """

    @property
    @abstractmethod
    def texts(self) -> Mapping[str, TextLines]:
        """name → lines of a file, which the data set opens"""

    @property
    @abstractmethod
    def label_files(self) -> Sequence[str]:
        """The files that decide the labels, and the tags."""

    # Derived from these

    @cached_property
    def streams(self) -> dict[str, Stream]:
        if self.wanted is None:
            return dict(self.found_streams)
        return matched_streams(self._where, self.found_streams, self.wanted)

    @property
    def lengths(self) -> None:
        return None

    @cached_property
    def all_lengths(self) -> Mapping[str, np.ndarray]:
        lengths = {key: np.zeros(self.num_seqs, "int32") for key in self.found_streams}
        for index in range(self.num_seqs):
            for key, labels in self._labels(index, list(lengths)).items():
                lengths[key][index] = len(labels)
        return lengths

    @cached_property
    def measured_lengths(self) -> Mapping[str, np.ndarray]:
        return {key: self.all_lengths[key] for key in self.streams}

    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        keys, result = list(self.streams), []
        for index in indices:
            labels = self._labels(int(index), keys)
            result.append({key: np.array(labels[key], self.streams[key].dtype) for key in keys})
        return result

    def fingerprint(self) -> str:
        digest = hashlib.sha256(repr(sorted(self.found_streams.items())).encode())
        for name, lines in self.texts.items():
            digest.update(name.encode() + lines.sizes.tobytes())
        for file in self.label_files:
            digest.update(Path(file).read_bytes())
        return digest.hexdigest()

    def check(self) -> None:
        _ = self.texts, self.streams

    def check_index(self, index: int) -> None:
        """:raises DataError: if there is no such sequence"""
        if not 0 <= index < self.num_seqs:
            raise DataError(f"{self._where}: found sequence index {index}, expected 0 to {self.num_seqs - 1}")

    def close(self) -> None:
        for lines in self.__dict__.pop("texts", {}).values():
            lines.close()

    @property
    def _where(self) -> str:
        return str(next(iter(self.texts.values())).path)

    def _labels(self, index: int, keys: Sequence[str]) -> dict[str, list[int]]:
        self.check_index(index)
        try:
            return self.labels_of(index, keys)
        except DataError as error:
            raise DataError(f"{self._where}: sequence {self.tag(index)!r}: {error}") from error
