"""Grouping sequences into batches, and the padded arrays of a batch."""

import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from boulder.data.dataset import Dataset
from boulder.data.streams import Stream
from boulder.errors import DataError, nearest
from boulder.lazy import TFTensor


@dataclass(frozen=True)
class Batch:
    """
    Sequences padded with zeros to the longest sequence, separately for each stream.

    :param seqs: int64 [B], indices of the sequences in the data set
    :param data: key → [B, T, D], or [B, T] for labels; without T for streams without a time axis; NumPy arrays or TensorFlow
        tensors
    :param lengths: key → int32 [B], of the same kind as `data`; ones without a time axis
    :param tags: names of the sequences
    """

    seqs: np.ndarray
    data: dict[str, TFTensor]
    lengths: dict[str, TFTensor]
    tags: list[str]

    def __len__(self) -> int:
        return len(self.seqs)


def form_batches(
    order: np.ndarray,
    lengths: Mapping[str, np.ndarray],
    batch_size: int | Mapping[str, int] | None,
    max_seqs: int | None = None,
) -> list[np.ndarray]:
    """
    Cuts the order into batches of consecutive sequences, as RETURNN's `Dataset._generate_batches` does. A batch ends
    before the sequence that would raise its padded size (longest length times number of sequences) above `batch_size` for
    any stream, or its number of sequences above `max_seqs`. A sequence longer than `batch_size` is a batch of its own.
    Unlike in RETURNN, trailing empty sequences are kept.

    :param order: int [M], indices of sequences
    :param lengths: key → [N], of all sequences of the data set
    :param batch_size: padded frames per batch, for every stream; or stream → padded frames, without a limit for others;
        None: no limit
    :param max_seqs: None or -1: no limit
    :return: consecutive parts of `order`
    :raises DataError: for a limit that is not a positive integer, or for an unknown stream
    """
    limits = check_batch_size(batch_size, lengths)
    if max_seqs is None or max_seqs == -1:
        max_seqs = len(order) or 1
    max_seqs = _positive(max_seqs, "max_seqs")
    order = np.asarray(order, dtype="int64")
    columns = [np.asarray(lengths[key])[order].tolist() for key in limits]  # Python ints are faster in a loop
    sizes = list(limits.values())
    batches, start, longest = [], 0, [0] * len(sizes)
    for position, row in enumerate(zip(*columns, strict=True)):
        count = position - start + 1
        candidate = list(map(max, longest, row))
        too_many = any(n * count > size for n, size in zip(candidate, sizes, strict=True)) or count > max_seqs
        if too_many and count > 1:
            batches.append(order[start:position])
            start, candidate = position, list(row)
        longest = candidate
    if start < len(order):
        batches.append(order[start:])
    return batches


def read_batch(dataset: Dataset, seqs: np.ndarray) -> Batch:
    """
    :param seqs: int [B]
    :return: a batch of NumPy arrays
    :raises DataError: if a sequence cannot be read
    """
    sequences = dataset.read_many(seqs)
    data, lengths = {}, {}
    for key, stream in dataset.streams.items():
        if not stream.has_time_axis:
            data[key], lengths[key] = _without_time(stream, sequences, dataset, seqs), np.ones(len(seqs), "int32")
            continue
        sizes = np.array([len(sequence[key]) for sequence in sequences], "int32")
        padded = np.zeros((len(sequences), sizes.max(initial=0), *stream.feature_shape), stream.dtype)
        for row, sequence in zip(padded, sequences, strict=True):
            row[: len(sequence[key])] = sequence[key]
        data[key], lengths[key] = padded, sizes
    return Batch(seqs=np.asarray(seqs, "int64"), data=data, lengths=lengths, tags=dataset.tags(seqs))


def _without_time(
    stream: Stream, sequences: list[dict[str, np.ndarray]], dataset: Dataset, seqs: np.ndarray
) -> np.ndarray:
    """:return: [B, D] or [B]; a data set has such a value as an array [D], or as a single frame"""
    shape: tuple[Any, ...] = stream.feature_shape  # an open data set knows its dimensions
    values = np.zeros((len(sequences), *shape), stream.dtype)
    for position, sequence in enumerate(sequences):
        array = sequence[stream.key]
        if array.size != values[position].size:
            raise DataError(
                f"sequence {dataset.tag(int(seqs[position]))!r}, {stream.key!r}: found an array of shape {list(array.shape)}, "
                f"expected {stream}, without a time axis"
            )
        values[position] = array.reshape(shape)
    return values


def check_batch_size(batch_size: object, streams: Collection[str]) -> dict[str, int]:
    """
    :param batch_size: see `form_batches`
    :param streams: keys of the data set
    :return: stream → padded frames
    :raises DataError: for a limit that is not a positive integer, for an unknown stream, or for a dict without entries
    """
    if not isinstance(batch_size, Mapping):
        limits = dict.fromkeys(streams, sys.maxsize if batch_size is None else _positive(batch_size, "batch_size"))
    else:
        for key in batch_size:
            if key not in streams:
                known = ", ".join(streams)
                raise DataError(f"batch_size: found stream {key!r}, expected {known}{nearest(key, streams)}")
        limits = {key: _positive(size, f"batch_size[{key!r}]") for key, size in batch_size.items()}
    if not limits:
        raise DataError("batch_size: found no stream to limit, expected at least one")
    return limits


def _positive(value: object, what: str) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise DataError(f"{what}: found {value!r}, expected an integer of at least 1")
    return int(value)
