"""Which sequences make a batch, and the padded arrays of one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from boulder.errors import DataError, nearest


@dataclass(frozen=True)
class Batch:
    """Some sequences side by side, padded with zeros to the longest of them, which each data key has for itself."""

    seqs: np.ndarray
    """int64 [B]: indices of the sequences in the reader"""
    data: dict
    """key → [B, T, D], or [B, T] for labels; NumPy arrays or TensorFlow tensors"""
    lengths: dict
    """key → int32 [B], of the same kind as `data`"""
    tags: list[str]

    def __len__(self) -> int:
        return len(self.seqs)


def form_batches(
    order: np.ndarray,
    lengths: Mapping[str, np.ndarray],
    batch_size: int | Mapping[str, int],
    max_seqs: int | None = None,
) -> list[np.ndarray]:
    """
    Cuts the order into batches of consecutive sequences, as RETURNN's `Dataset._generate_batches`: a batch ends before
    the sequence with which its longest length times its number of sequences would be more than `batch_size` for any
    data key, or with which it would have more than `max_seqs`. A sequence that is too long by itself is a batch of its
    own. Every sequence is in one batch; RETURNN drops those at the end of which nothing but empty ones are left.

    :param order: int [N], indices of sequences
    :param lengths: key → [sequences of the reader]
    :param batch_size: padded frames per batch, of every key, or key → padded frames (other keys are not limited)
    :param max_seqs: None or -1: no limit
    :return: parts of `order`, in its order
    :raises DataError: a limit that is no positive integer, or of a data key that does not exist
    """
    limits = _limits(batch_size, lengths)
    if max_seqs is None or max_seqs == -1:
        max_seqs = len(order) or 1
    max_seqs = _positive(max_seqs, "max_seqs")
    order = np.asarray(order, dtype="int64")
    columns = [np.asarray(lengths[key])[order].tolist() for key in limits]  # Python's integers: faster one at a time
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


def read_batch(reader, seqs: np.ndarray) -> Batch:
    """
    :param reader: `HdfReader`
    :param seqs: int [B]
    :return: NumPy arrays
    :raises DataError: what the reader finds
    """
    sequences = reader.read_many(seqs)
    data, lengths = {}, {}
    for key, stream in reader.spec.items():
        sizes = np.array([len(sequence[key]) for sequence in sequences], "int32")
        padded = np.zeros((len(sequences), sizes.max(initial=0), *stream.feature_shape), stream.dtype)
        for row, sequence in zip(padded, sequences, strict=True):
            row[: len(sequence[key])] = sequence[key]
        data[key], lengths[key] = padded, sizes
    return Batch(seqs=np.asarray(seqs, "int64"), data=data, lengths=lengths, tags=reader.tags(seqs))


def _limits(batch_size: object, lengths: Mapping[str, np.ndarray]) -> dict[str, int]:
    if not isinstance(batch_size, Mapping):
        limits = dict.fromkeys(lengths, _positive(batch_size, "batch_size"))
    else:
        for key in batch_size:
            if key not in lengths:
                known = ", ".join(lengths)
                raise DataError(f"batch_size: found data key {key!r}, expected {known}{nearest(key, lengths)}")
        limits = {key: _positive(size, f"batch_size[{key!r}]") for key, size in batch_size.items()}
    if not limits:
        raise DataError("batch_size: found no data key to limit, expected at least one")
    return limits


def _positive(value: object, what: str) -> int:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
        raise DataError(f"{what}: found {value!r}, expected an integer of at least 1")
    return int(value)
