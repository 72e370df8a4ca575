"""Grouping sequences into batches, and the padded arrays of a batch."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import add
from typing import Any, overload

import numpy as np

from boulder.data.dataset import Dataset
from boulder.errors import DataError, nearest
from boulder.lazy import TFTensor

_BLOCK = 1 << 16  # sequences whose lengths are Python objects at once


@dataclass(frozen=True)
class Batch:
    """
    Sequences padded with zeros to the longest sequence, separately for each stream.

    :param seqs: int64 [B], indices of the sequences in the data set
    :param data: key → [B, T, D], or [B, T] for labels; without T for streams without a time axis; NumPy arrays or TensorFlow
        tensors
    :param lengths: key → int32 [B], of the same kind as `data`; ones without a time axis
    :param names: gives the names of the sequences
    """

    seqs: np.ndarray
    data: dict[str, TFTensor]
    lengths: dict[str, TFTensor]
    names: Callable[[], list[str]]

    def __len__(self) -> int:
        return len(self.seqs)

    @property
    def tags(self) -> list[str]:
        """The names of the sequences, read when they are asked for: a training seldom does."""
        return self.names()


class Batches(Sequence[np.ndarray]):
    """
    Consecutive parts of an order, each of them a batch: int64 [B], indices of sequences.

    :param order: int64 [M]
    :param borders: int64 [number of batches + 1]: where each batch starts in the order, and where the last one ends
    """

    def __init__(self, order: np.ndarray, borders: np.ndarray) -> None:
        self.order = order
        self.borders = borders

    def __len__(self) -> int:
        return len(self.borders) - 1

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, index: slice) -> Batches: ...

    def __getitem__(self, index: int | slice) -> np.ndarray | Batches:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                raise IndexError(f"batches: found step {step}, expected 1")
            return Batches(self.order, self.borders[start : max(start, stop) + 1])
        if not -len(self) <= index < len(self):
            raise IndexError(f"batches: found index {index}, expected less than {len(self)}")
        index %= len(self)
        return self.order[self.borders[index] : self.borders[index + 1]]


def form_batches(
    order: np.ndarray,
    lengths: Mapping[str, np.ndarray],
    batch_size: int | Mapping[str, int] | None,
    max_seqs: int | None = None,
    max_pad_size: float | Mapping[str, float] | None = None,
) -> Batches:
    """
    Cuts the order into batches of consecutive sequences, as RETURNN's `Dataset._generate_batches` does. A batch ends
    before the sequence that would raise its padded size (longest length times number of sequences) above `batch_size` for
    any stream, its padding above `max_pad_size` for any stream, or its number of sequences above `max_seqs`. A sequence
    longer than `batch_size` is a batch of its own. For trailing empty sequences see `without_empty_end`.

    :param order: int [M], indices of sequences
    :param lengths: key → [N], of all sequences of the data set
    :param batch_size: padded frames per batch, for every stream; or stream → padded frames, without a limit for others;
        None: no limit
    :param max_seqs: None or -1: no limit
    :param max_pad_size: frames of padding per batch, of the same form; None: no limit
    :raises DataError: for a limit that is not a positive integer, or for an unknown stream
    """
    sizes = check_limits(batch_size, lengths, "batch_size")
    padding = check_limits(max_pad_size, lengths, "max_pad_size", lowest=0)
    if max_seqs is None or max_seqs == -1:
        max_seqs = len(order) or 1
    max_seqs = _at_least(1, max_seqs, "max_seqs")
    order = np.asarray(order, dtype="int64")
    padding = {key: limit for key, limit in padding.items() if limit != math.inf}
    borders = array("q", [0] if len(order) else [])
    most = _most_seqs(order, lengths, sizes, max_seqs)
    if padding:
        columns = [lengths[key] for key in padding]
        _add_padded_borders(borders, most, _rows(order, columns), list(padding.values()))
    else:
        _add_borders(borders, most)
    borders.append(len(order))
    return Batches(order, np.frombuffer(borders, "int64"))


def without_empty_end(batches: Batches, lengths: Mapping[str, np.ndarray]) -> Batches:
    """
    :param lengths: key → [N]
    :return: the batches without the last one, if no sequence in it has a frame: RETURNN drops that one, and no other
    """
    if len(batches) and not any(lengths[key][batches[-1]].any() for key in lengths):
        return batches[:-1]
    return batches


def read_batch(dataset: Dataset, seqs: np.ndarray) -> Batch:
    """
    :param seqs: int [B]
    :return: a batch of NumPy arrays
    :raises DataError: if a sequence cannot be read
    """
    found = dataset.read_padded(seqs)
    return Batch(
        seqs=np.asarray(seqs, "int64"),
        data={key: found[key].data for key in dataset.streams},
        lengths={key: found[key].lengths for key in dataset.streams},
        names=partial(dataset.tags, seqs),
    )


def check_limits(limits: object, streams: Collection[str], name: str, lowest: int = 1) -> dict[str, float]:
    """
    :param limits: a number for every stream; or stream → number, without a limit for others; None: no limit
    :param streams: keys of the data set
    :param name: of the option
    :param lowest: smallest value; limits that may be 0 may be fractions or infinite, too
    :return: stream → limit
    :raises DataError: for another value, for an unknown stream, or for a dict without entries
    """
    if not isinstance(limits, Mapping):
        result = dict.fromkeys(streams, math.inf if limits is None else _at_least(lowest, limits, name))
    else:
        for key in limits:
            if key not in streams:
                known = ", ".join(streams)
                raise DataError(f"{name}: found stream {key!r}, expected {known}{nearest(str(key), streams)}")
        result = {key: _at_least(lowest, limit, f"{name}[{key!r}]") for key, limit in limits.items()}
    if not result:
        raise DataError(f"{name}: found no stream to limit, expected at least one")
    return result


def _most_seqs(
    order: np.ndarray, lengths: Mapping[str, np.ndarray], sizes: Mapping[str, float], max_seqs: int
) -> Iterator[int]:
    """
    :return: for each sequence of the order, how many sequences a batch may have that contains it. A batch of n sequences, the
        longest of which has L frames, has n · L padded frames: at most `size` if n is at most ⌊size / L⌋, for each L in it.
    """
    limits = {key: int(size) for key, size in sizes.items() if size != math.inf}
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        most = np.full(len(block), max_seqs, "int64")
        for key, size in limits.items():
            frames = lengths[key][block]
            np.minimum(most, size // np.maximum(frames, 1), out=most, where=frames > 0)
        yield from most.tolist()  # Python numbers are faster in a loop


def _add_borders(borders: array, most: Iterator[int]) -> None:
    """Appends where each batch but the first starts."""
    start, limit = 0, sys.maxsize
    for position, allowed in enumerate(most):
        if allowed < limit:
            limit = allowed
        if position - start >= limit and position > start:
            borders.append(position)
            start, limit = position, allowed


def _add_padded_borders(
    borders: array, most: Iterator[int], rows: Iterator[tuple[int, ...]], padding: Sequence[float]
) -> None:
    """
    As `_add_borders`, with `max_pad_size`.

    :param rows: for each sequence, its length in each stream with such a limit
    :param padding: the limits of these streams
    """
    start, limit = 0, sys.maxsize
    longest, total = [0] * len(padding), [0] * len(padding)
    for position, (allowed, row) in enumerate(zip(most, rows, strict=True)):
        count = position - start + 1
        limit = min(limit, allowed)
        longest, total = list(map(max, longest, row)), list(map(add, total, row))
        padded = any(most * count - n > pad for most, n, pad in zip(longest, total, padding, strict=True))
        if count > 1 and (padded or count > limit):
            borders.append(position)
            start, limit, longest, total = position, allowed, list(row), list(row)


def _rows(order: np.ndarray, columns: Sequence[np.ndarray]) -> Iterator[tuple[int, ...]]:
    """:return: for each sequence of the order, its lengths"""
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        yield from zip(*[column[block].tolist() for column in columns], strict=True)


def _at_least(lowest: int, value: Any, what: str) -> Any:
    kinds = (int, np.integer) if lowest else (int, float, np.number)
    if not isinstance(value, kinds) or isinstance(value, bool) or not value >= lowest:
        raise DataError(
            f"{what}: found {value!r:.60}, expected {'an integer' if lowest else 'a number'} of at least {lowest}"
        )
    return value
