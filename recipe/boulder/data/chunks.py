"""`Chunks`: the chunks of an epoch's sequences, as a data set whose sequences are these chunks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from boulder.data.chunking import Chunking, Steps
from boulder.data.dataset import Dataset
from boulder.data.streams import Stream
from boulder.errors import DataError

Borders = dict[str, tuple[np.ndarray, np.ndarray]]


@dataclass(kw_only=True, eq=False)
class Chunks(Dataset):
    """
    :param dataset: the data set that is cut
    :param seqs: int64 [M], the sequence of each chunk
    :param borders: stream → (first frame, frame after the last one), int64 [M] each; other streams are not cut
    :param further_lengths: see `Chunking.other_lengths`
    """

    dataset: Dataset
    seqs: np.ndarray
    borders: Borders
    further_lengths: dict[str, int]

    @property
    def reads_in_threads(self) -> bool:
        return self.dataset.reads_in_threads

    @property
    def streams(self) -> Mapping[str, Stream]:
        return self.dataset.streams

    @property
    def num_seqs(self) -> int:
        return len(self.seqs)

    @property
    def lengths(self) -> dict[str, np.ndarray]:
        """Of the streams that are cut."""
        return {key: (stop - start).astype("int32") for key, (start, stop) in self.borders.items()}

    @property
    def all_lengths(self) -> dict[str, np.ndarray]:
        further = {key: np.full(self.num_seqs, length, "int32") for key, length in self.further_lengths.items()}
        return self.lengths | further

    @property
    def order_lengths(self) -> np.ndarray:
        lengths = self.lengths
        return lengths.get(self.dataset.order_stream, next(iter(lengths.values())))

    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        indices = np.asarray(indices, "int64")
        unique, position = np.unique(self.seqs[indices], return_inverse=True)
        sequences = self.dataset.read_many(unique)
        result = []
        for index, sequence in zip(indices, position, strict=True):
            arrays = dict(sequences[sequence])
            for key, (start, stop) in self.borders.items():
                if key in arrays:
                    arrays[key] = arrays[key][start[index] : stop[index]]
            result.append(arrays)
        return result

    def file_of(self, tag: str, key: str) -> str | None:
        return self.dataset.file_of(tag, key)

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        return self.dataset.tags(self.seqs[np.asarray(indices, "int64")])

    def fingerprint(self) -> str:
        return self.dataset.fingerprint()

    def check(self) -> None:
        self.dataset.check()

    def close(self) -> None:
        self.dataset.close()


def cut(dataset: Dataset, order: np.ndarray, chunking: Chunking, streams: Collection[str]) -> Chunks:
    """
    :param order: int64 [M], indices of sequences
    :param chunking: without variance
    :param streams: keys that the network reads
    :return: all chunks, in order
    :raises DataError: if the streams of a sequence have lengths that do not fit each other; names the sequence
    """
    lengths = {key: dataset.all_lengths[key][order] for key in streams}
    which, borders = _cut(dataset, order, lengths, chunking.of_streams(streams))
    return _chunks(dataset, order[which], borders, chunking, streams)


def cut_at_random(
    dataset: Dataset,
    order: np.ndarray,
    chunking: Chunking,
    streams: Collection[str],
    numbers: np.random.RandomState,
    used: Callable[[Mapping[str, np.ndarray]], np.ndarray],
    drop: float,
) -> Chunks:
    """
    As `cut`, with `variance`. RETURNN draws a number for each sequence, and then one for each of its chunks that is not left
    out because of its length.

    :param numbers: see `python_numbers`
    :param used: lengths of chunks, stream → [M] → indices of those that are not left out
    :param drop: `seq_drop`
    :return: the chunks that are used
    """
    steps, further = chunking.of_streams(streams), chunking.other_lengths(streams)
    every = {key: dataset.all_lengths[key] for key in streams}
    none = np.zeros(0, "int64")
    seqs, parts = [none], [dict.fromkeys(streams, (none, none))]
    for seq in order:
        lengths = {key: column[seq : seq + 1] for key, column in every.items()}
        scaled = steps.scaled(1.0 - numbers.random_sample() * chunking.variance)
        _, borders = _cut(dataset, np.array([seq]), lengths, scaled)
        count = len(borders[steps.leading][0])
        sizes = {key: stop - start for key, (start, stop) in borders.items()}
        kept = used(sizes | {key: np.full(count, n) for key, n in further.items()})
        kept = kept[numbers.random_sample(len(kept)) >= drop]
        seqs.append(np.full(len(kept), seq))
        parts.append({key: (start[kept], stop[kept]) for key, (start, stop) in borders.items()})
    starts = {key: np.concatenate([part[key][0] for part in parts]) for key in streams}
    joined = {key: (starts[key], np.concatenate([part[key][1] for part in parts])) for key in streams}
    return _chunks(dataset, np.concatenate(seqs), joined, chunking, streams)


def _cut(
    dataset: Dataset, seqs: np.ndarray, lengths: Mapping[str, np.ndarray], steps: Steps
) -> tuple[np.ndarray, Borders]:
    """:return: [M], position in `seqs` of each chunk's sequence; and the borders"""
    wrong = np.flatnonzero(steps.mismatch(lengths))
    if len(wrong):
        found = ", ".join(f"{key} {lengths[key][wrong[0]]}" for key in sorted(lengths))
        raise DataError(
            f"chunking: sequence {dataset.tag(int(seqs[wrong[0]]))!r} has the lengths {found}, expected streams that can be cut "
            f"into the same number of chunks of sizes {steps.size} and steps {steps.step}"
        )
    counts = steps.counts(lengths)
    which = np.repeat(np.arange(len(seqs)), counts)
    number = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
    borders = {
        key: steps.borders(key, lengths[key][which].astype("int64"), number, steps.whole(key, lengths)[which])
        for key in steps.step
    }
    return which, borders


def _chunks(
    dataset: Dataset, seqs: np.ndarray, borders: Borders, chunking: Chunking, streams: Collection[str]
) -> Chunks:
    return Chunks(dataset=dataset, seqs=seqs, borders=borders, further_lengths=chunking.other_lengths(streams))
