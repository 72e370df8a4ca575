"""`WrappingDataset`: base of data sets with the sequences of another one, in the same or another order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from boulder.data.combining.nested import open_nested
from boulder.data.dataset import Dataset
from boulder.data.option_kinds import DESCRIPTION
from boulder.data.read_sequence import ReadSequence
from boulder.data.streams import Stream


@dataclass(kw_only=True, eq=False)
class WrappingDataset(Dataset):
    """
    :param dataset: description of the inner data set
    """

    dataset: Mapping[str, Any] = field(metadata=DESCRIPTION)

    @property
    def _inner_description(self) -> Mapping[str, Any]:
        return self.dataset

    @cached_property
    def inner(self) -> Dataset:
        """The inner data set."""
        return open_nested(self._inner_description, self, self.wanted)

    @property
    def order_control(self) -> Dataset:
        return self.inner.order_control

    @property
    def order_selects(self) -> bool:
        """Options of the order reach the inner data set."""
        return super().order_selects or self.inner.order_selects

    @property
    def reads_in_threads(self) -> bool:
        return self.inner.reads_in_threads

    @property
    def streams(self) -> Mapping[str, Stream]:
        return self.inner.streams

    @property
    def stream_names(self) -> Collection[str] | None:
        return self.inner.stream_names

    @property
    def num_seqs(self) -> int:
        return self.inner.num_seqs

    @property
    def lengths(self) -> Mapping[str, np.ndarray] | None:
        return self.inner.lengths

    @property
    def measured_lengths(self) -> Mapping[str, np.ndarray]:
        return self.inner.measured_lengths

    @property
    def all_lengths(self) -> Mapping[str, np.ndarray]:
        return self.inner.all_lengths

    @property
    def ordering_lengths(self) -> np.ndarray:
        return self.inner.ordering_lengths

    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        return self.inner.read_many(indices)

    @property
    def streamed(self) -> bool:
        return self.inner.streamed

    def in_order(self, order: np.ndarray, epoch: int, seed: int, start: int = 0) -> Iterator[ReadSequence]:
        return self.inner.in_order(order, epoch, seed, start)

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        return self.inner.tags(indices)

    def file_of(self, tag: str, key: str) -> str | None:
        return self.inner.file_of(tag, key)

    def label_names(self, key: str) -> list[str] | None:
        return self.inner.label_names(key)

    def epoch_order(self, epoch: int, seed: int, default: str) -> np.ndarray:
        return self.inner.epoch_order(epoch, seed, default)

    def order_key(self, epoch: int) -> tuple:
        return self.inner.order_key(epoch)

    def fingerprint(self) -> str:
        return self.inner.full_fingerprint()

    def check(self) -> None:
        self.inner.check()

    def check_not_empty(self) -> None:
        self.inner.check_not_empty()

    def close(self) -> None:
        if "inner" in self.__dict__:
            self.inner.close()
