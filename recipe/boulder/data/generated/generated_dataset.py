"""`GeneratedDataset`: base of data sets whose sequences are made of random numbers, anew in each epoch."""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import NoReturn

import numpy as np

from boulder.data.dataset import Dataset
from boulder.data.matching import matched_streams
from boulder.data.option_checks import is_integer
from boulder.data.order.sequence_order import OrderKind
from boulder.data.read_sequence import ReadSequence
from boulder.data.streams import Stream
from boulder.errors import DataError


@dataclass(kw_only=True, eq=False)
class GeneratedDataset(Dataset):
    """
    The sequences are named seq-0, seq-1, …. Their random numbers are RETURNN's: those of the epoch's seed and of the number of
    the sequence. "sorted" and "sorted_reverse" are "default", as in RETURNN; other orders by length are errors.

    :param num_seqs: number of sequences
    """

    num_seqs: float = math.inf  # type: ignore[assignment]  # a property elsewhere

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_integer(self.num_seqs, 1):
            found = "none" if self.num_seqs == math.inf else f"{self.num_seqs!r:.60}"
            raise DataError(f"num_seqs: found {found}, expected a number of sequences, which ends an epoch")
        if self.seq_ordering is not None:
            self.seq_ordering = _without_lengths(self.seq_ordering)

    # To be implemented by a subclass

    @property
    @abstractmethod
    def found_streams(self) -> Mapping[str, Stream]:
        """key → all streams, in RETURNN's order"""

    @abstractmethod
    def generate(self, numbers: np.random.RandomState, index: int, epoch: int) -> dict[str, np.ndarray]:
        """
        :param numbers: of this sequence in this epoch
        :return: key → [T, D] or [T]
        """

    # Derived from these

    @property
    def stream_names(self) -> Collection[str]:
        return self.found_streams

    @property
    def streamed(self) -> bool:
        return True

    @property
    def order_selects(self) -> bool:
        """The seed of the order is that of the sequences, too."""
        return True

    def in_order(self, order: np.ndarray, epoch: int, seed: int, start: int = 0) -> Iterator[ReadSequence]:
        for index in order[start:]:
            data = self.generate(np.random.RandomState((self.random_seed(epoch), index)), int(index), epoch)
            arrays = {key: data[key].astype(stream.dtype) for key, stream in self.streams.items()}
            yield ReadSequence(f"seq-{index}", arrays, {key: len(data[key]) for key in self.found_streams})

    def epoch_order(self, epoch: int, seed: int, default: str) -> np.ndarray:
        return super().epoch_order(epoch, seed, _without_lengths(default))

    @cached_property
    def streams(self) -> dict[str, Stream]:
        if self.wanted is None:
            return dict(self.found_streams)
        return matched_streams(type(self).__name__, self.found_streams, self.wanted)

    @property
    def lengths(self) -> None:
        return None

    def read_many(self, indices: Sequence[int] | np.ndarray) -> NoReturn:
        raise DataError(
            f"{type(self).__name__}: has other sequences in each epoch, expected to be read in an epoch's order"
        )

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        return [f"seq-{index}" for index in indices]

    def fingerprint(self) -> str:
        options = {f.name: getattr(self, f.name) for f in fields(self)}
        return hashlib.sha256(repr(options).encode()).hexdigest()

    def check(self) -> None:
        _ = self.streams

    def close(self) -> None:
        """Nothing is open."""


def one_hot(labels: Sequence[int], dim: int) -> np.ndarray:
    """:return: float32 [T, dim]"""
    return np.eye(dim, dtype="float32")[np.asarray(labels, "int64")]


def _without_lengths(order: str) -> str:
    kind = OrderKind.parse(order)
    if kind.name in ("sorted", "sorted_reverse"):
        return "default"
    if not kind.is_by_index and kind.name not in ("random", "random_sample"):
        raise DataError(f"seq_ordering: found {order!r}, which needs lengths; expected default, reverse or random")
    return order
