"""`HDFDataset`: sequences of one or several files in RETURNN's HDF layout, see `boulder.data.hdf.hdf_writer`."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from boulder.data.dataset import Dataset, dataset_class
from boulder.data.hdf.hdf_file import HdfFile
from boulder.data.matching import check_labels, matched_streams
from boulder.data.option_kinds import PATHS
from boulder.data.padding import Padded, padded, zeros
from boulder.data.streams import Stream
from boulder.errors import DataError

_GAP_BYTES = 1 << 16  # reading over a gap of this size costs less than another access
_RUN_BYTES = 1 << 18  # what is read at once stays in the processor's cache until it is copied

_Part = tuple[HdfFile, np.ndarray, np.ndarray]
"""A file, and sequences of it: their numbers in the data set, and in the file."""


@dataset_class("HDFDataset")
@dataclass(kw_only=True, eq=False)
class HdfDataset(Dataset):
    """
    The sequences of several files follow one another. Keeps the lengths in memory, never the frames.

    :param files: HDF files in RETURNN's layout; "data/*.hdf" stands for all that match, sorted
    """

    keeps_batches: ClassVar[bool] = True

    files: Sequence[str | os.PathLike[str]] = field(metadata=PATHS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.files:
            raise DataError("files: found none, expected at least one")
        self.paths = [Path(path) for path in self.files]
        self._opened: list[HdfFile] = []
        self._columns: dict[str, np.ndarray] = {}

    def check(self) -> None:
        _ = self._files

    def file_of(self, tag: str, key: str) -> str | None:
        return next((str(file.path) for file in self._files if tag in file.tags(np.arange(file.num_seqs))), None)

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()
        self.__dict__.pop("_files", None)

    @property
    def reads_in_threads(self) -> bool:
        return True

    @cached_property
    def streams(self) -> dict[str, Stream]:
        streams = self.wanted
        for file in self._files:
            streams = matched_streams(file.path, file.streams, streams if streams is not None else file.streams)
        return dict(streams or {})

    @property
    def num_seqs(self) -> int:
        return int(self._starts[-1])

    @cached_property
    def lengths(self) -> dict[str, np.ndarray]:
        return {key: self._column(key) for key in self.streams}

    @cached_property
    def all_lengths(self) -> dict[str, np.ndarray]:
        """With several files, the streams are those of the first one, as in RETURNN."""
        first = self._files[0].all_lengths
        for file in self._files:
            if missing := [key for key in first if key not in file.all_lengths]:
                raise DataError(f"{file.path}: found no stream {missing[0]!r}, which {self.paths[0]} has")
        return {key: self._column(key) for key in first}

    def fingerprint(self) -> str:
        digest = hashlib.sha256(repr(sorted(self.streams.items())).encode())
        for path, file in zip(self.paths, self._files, strict=True):
            digest.update(f"{path.stat().st_size}".encode())
            for key in self.streams:
                digest.update(file.lengths(key).data)
        return digest.hexdigest()

    def label_names(self, key: str) -> list[str] | None:
        return self._files[0].label_names(key)

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        result: dict[int, str] = {}
        for file, start, local in self._by_file(indices):
            result.update(zip((start + local).tolist(), file.tags(local), strict=True))
        return [result[int(i)] for i in indices]

    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        """Reads sequences that lie close to each other in a file with one access. Labels must be below their dimension."""
        result: dict[int, dict[str, np.ndarray]] = {}
        for file, start, local in self._by_file(indices):
            for i in local:
                result[int(start + i)] = {}
            for stream in self.streams.values():
                for i, array in zip(local, self._arrays(file, stream, local), strict=True):
                    result[int(start + i)][stream.key] = array
        return [result[int(i)] for i in indices]

    def read_padded(self, indices: Sequence[int] | np.ndarray) -> dict[str, Padded]:
        """Reads frames straight into their place in the padded array, where they lie in the file as in memory."""
        numbers = np.asarray(indices, "int64")
        parts = [(file, start + local, local) for file, start, local in self._by_file(numbers)]
        result = {}
        for key, stream in self.streams.items():
            is_direct = not stream.sparse and stream.has_time_axis
            if is_direct and all(file.dtype(key) == stream.dtype for file, _, _ in parts):
                result[key] = self._read_into_place(stream, numbers, parts)
            else:
                arrays = {
                    int(number): array
                    for file, among, local in parts
                    for number, array in zip(among, self._arrays(file, stream, local), strict=True)
                }
                sequences = [arrays[number] for number in numbers.tolist()]
                result[key] = padded(stream, sequences, lambda i: self.tag(int(numbers[i])))
        return result

    def _read_into_place(self, stream: Stream, numbers: np.ndarray, parts: list[_Part]) -> Padded:
        lengths = self.lengths[stream.key][numbers]
        data = zeros(stream, lengths)
        for file, among, local in parts:
            starts = dict(zip(among.tolist(), file.offsets[stream.key].of(local)[0].tolist(), strict=True))
            for row, number, length in zip(data, numbers.tolist(), lengths.tolist(), strict=True):
                if number in starts:
                    file.read_into(row[:length], stream.key, starts[number])
        return Padded(data, lengths)

    @cached_property
    def _files(self) -> list[HdfFile]:
        try:
            for path in self.paths:
                self._opened.append(HdfFile(path))
                if self.wanted is not None:
                    matched_streams(path, self._opened[-1].streams, self.wanted)
        except BaseException:
            self.close()
            raise
        return list(self._opened)

    @cached_property
    def _starts(self) -> np.ndarray:
        return np.cumsum([0] + [file.num_seqs for file in self._files])

    def _column(self, key: str) -> np.ndarray:
        """:return: int32 [N]: the lengths of a stream"""
        if key not in self._columns:
            parts = [file.lengths(key) for file in self._files]
            self._columns[key] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return self._columns[key]

    def _by_file(self, indices: Sequence[int] | np.ndarray) -> Iterator[tuple[HdfFile, int, np.ndarray]]:
        """:return: (file, index of its first sequence, indices within the file, ascending and unique)"""
        unique = np.unique(np.asarray(indices, "int64"))
        if len(unique) and not (unique[0] >= 0 and unique[-1] < self.num_seqs):
            wrong = unique[0] if unique[0] < 0 else unique[-1]
            raise DataError(f"{self.paths[0]}: found sequence index {wrong}, expected 0 to {self.num_seqs - 1}")
        for i, file in enumerate(self._files):
            first, last = np.searchsorted(unique, self._starts[i : i + 2])
            if last > first:
                yield file, int(self._starts[i]), unique[first:last] - self._starts[i]

    def _arrays(self, file: HdfFile, stream: Stream, local: np.ndarray) -> Iterator[np.ndarray]:
        """:return: the arrays of a stream, for sequences of a file in ascending order"""
        starts, stops = file.offsets[stream.key].of(local)
        row_bytes = file.row_bytes(stream.key)
        for run in _runs(starts, stops, _GAP_BYTES // row_bytes, max(1, _RUN_BYTES // row_bytes)):
            first = starts[run.start]
            block = file.rows(stream.key, first, stops[run.stop - 1])
            if stream.sparse and block.size:
                highest = stream.dim if stream.dim is not None else np.iinfo("int32").max
                if block.min() < 0 or block.max() >= highest:  # or in a gap, which nobody asked for
                    for i in range(run.start, run.stop):
                        check_labels(_named(file, local[i]), stream, block[starts[i] - first : stops[i] - first])
            block = block.astype(stream.dtype, copy=False)
            for i in range(run.start, run.stop):
                yield block[starts[i] - first : stops[i] - first]


def _named(file: HdfFile, index: int) -> str:
    return f"{file.path}: sequence {file.tags(np.array([index]))[0]!r}"


def _runs(starts: np.ndarray, stops: np.ndarray, max_gap: int, size: int) -> Iterator[slice]:
    """
    :param max_gap: frames between the end of a sequence and the start of the next
    :param size: frames after which a run ends with the sequence that it is in
    :return: slices of neighbours
    """
    borders = np.flatnonzero((starts[1:] - stops[:-1] > max_gap) | (starts[1:] // size > starts[:-1] // size)) + 1
    edges = [0, *borders.tolist(), len(starts)]
    for first, last in itertools.pairwise(edges):
        yield slice(first, last)
