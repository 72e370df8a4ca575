"""Sequences of one or several HDF files, read as they are asked for."""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from boulder.data.hdf_file import HdfFile
from boulder.data.streams import Stream, read_extern_data
from boulder.errors import DataError, nearest

_GAP_BYTES = 1 << 16  # reading over a gap of this size costs less than another access


class HdfReader:
    """A data set in RETURNN's HDF layout (see `hdf_writer`). The sequences of several files follow one another.

    Files are opened when first needed, and their lengths kept, but never their frames.
    """

    def __init__(
        self, paths: str | os.PathLike | Sequence[str | os.PathLike], extern_data: Mapping | None = None
    ) -> None:
        """
        :param paths: one or several files
        :param extern_data: which data keys are wanted, and of what kind (`read_extern_data`); None: all there are in
            the first file, as they are
        """
        paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        if not paths:
            raise DataError("HDF files: found none, expected at least one")
        self.paths = [Path(path) for path in paths]
        self._wanted = None if extern_data is None else read_extern_data(extern_data)
        self._opened: list[HdfFile] = []

    def __enter__(self) -> "HdfReader":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def check(self) -> None:
        """
        Opens the files and compares them with `extern_data`. Otherwise that happens when something is first asked for.

        :raises DataError: file missing, truncated, with other data keys or dimensions; its lengths do not add up
        """
        _ = self._files

    def close(self) -> None:
        """Closes the files; they are opened again if something else is asked for."""
        while self._opened:
            self._opened.pop().close()
        self.__dict__.pop("_files", None)

    @cached_property
    def spec(self) -> dict[str, Stream]:
        """key → kind, dimension and type, "data" first, then sorted"""
        spec = self._wanted
        for file in self._files:
            spec = self._matched(file, spec if spec is not None else file.streams)
        return spec

    @property
    def keys(self) -> tuple[str, ...]:
        """The data keys."""
        return tuple(self.spec)

    @property
    def num_seqs(self) -> int:
        """N"""
        return int(self._starts[-1])

    @cached_property
    def lengths(self) -> dict[str, np.ndarray]:
        """key → int32 [N]"""
        return {key: np.concatenate([file.lengths(key) for file in self._files]) for key in self.keys}

    @property
    def num_frames(self) -> dict[str, int]:
        """key → sum of all lengths"""
        return {key: sum(int(file.offsets[key][-1]) for file in self._files) for key in self.keys}

    def tag(self, index: int) -> str:
        """:return: the name of a sequence"""
        return self.tags([index])[0]

    def tags(self, indices: Sequence[int] | np.ndarray) -> list[str]:
        """
        :return: the names of some sequences
        :raises DataError: no such sequence, or it cannot be read
        """
        result: dict[int, str] = {}
        for file, start, local in self._by_file(indices):
            result.update(zip((start + local).tolist(), file.tags(local), strict=True))
        return [result[int(i)] for i in indices]

    def read(self, index: int) -> dict[str, np.ndarray]:
        """
        :return: key → [T, D], or [T] for labels
        :raises DataError: as `read_many`
        """
        return self.read_many([index])[0]

    def read_many(self, indices: Sequence[int] | np.ndarray) -> list[dict[str, np.ndarray]]:
        """
        Reads sequences that lie near each other in the file in one access.

        :param indices: in any order
        :return: for each of them: key → [T, D], or [T] for labels
        :raises DataError: no such sequence; it cannot be read; a label not below the dimension, or negative
        """
        result: dict[int, dict[str, np.ndarray]] = {}
        for file, start, local in self._by_file(indices):
            for i in local:
                result[int(start + i)] = {}
            for stream in self.spec.values():
                for i, array in zip(local, self._arrays(file, stream, local), strict=True):
                    result[int(start + i)][stream.key] = array
        return [result[int(i)] for i in indices]

    @cached_property
    def _files(self) -> list[HdfFile]:
        try:
            for path in self.paths:
                self._opened.append(HdfFile(path))
                if self._wanted is not None:
                    self._matched(self._opened[-1], self._wanted)
        except BaseException:
            self.close()
            raise
        return list(self._opened)

    @cached_property
    def _starts(self) -> np.ndarray:
        return np.cumsum([0] + [file.num_seqs for file in self._files])

    def _by_file(self, indices: Sequence[int] | np.ndarray) -> Iterator[tuple[HdfFile, int, np.ndarray]]:
        """(file, index of its first sequence, indices in the file, ascending, each once)"""
        unique = np.unique(np.asarray(indices, "int64"))
        if len(unique) and not (unique[0] >= 0 and unique[-1] < self.num_seqs):
            wrong = unique[0] if unique[0] < 0 else unique[-1]
            raise DataError(f"{self.paths[0]}: found sequence index {wrong}, expected 0 to {self.num_seqs - 1}")
        for i, file in enumerate(self._files):
            first, last = np.searchsorted(unique, self._starts[i : i + 2])
            if last > first:
                yield file, int(self._starts[i]), unique[first:last] - self._starts[i]

    def _arrays(self, file: HdfFile, stream: Stream, local: np.ndarray) -> Iterator[np.ndarray]:
        """The arrays of a stream for sequences of a file in ascending order."""
        offsets = file.offsets[stream.key]
        starts, stops = offsets[local], offsets[local + 1]
        for run in _runs(starts, stops, max_gap=_GAP_BYTES // file.row_bytes(stream.key)):
            first = starts[run.start]
            block = file.rows(stream.key, first, stops[run.stop - 1])
            if stream.sparse and block.size:
                highest = stream.dim if stream.dim is not None else np.iinfo("int32").max
                if block.min() < 0 or block.max() >= highest:  # perhaps in between: then nobody asked for it
                    for i in range(run.start, run.stop):
                        self._check_labels(file, stream, local[i], block[starts[i] - first : stops[i] - first])
            block = block.astype(stream.dtype, copy=False)
            for i in range(run.start, run.stop):
                yield block[starts[i] - first : stops[i] - first]

    @staticmethod
    def _check_labels(file: HdfFile, stream: Stream, index: int, labels: np.ndarray) -> None:
        dim = stream.dim if stream.dim is not None else np.iinfo("int32").max
        wrong = labels[(labels < 0) | (labels >= dim)]
        if len(wrong):
            raise DataError(
                f"{file.path}: sequence {file.tags([index])[0]!r}, {stream.key!r}: "
                f"found label {wrong[0]}, expected 0 to {dim - 1}"
            )

    def _matched(self, file: HdfFile, wanted: dict[str, Stream]) -> dict[str, Stream]:
        """`wanted`, with what only the file knows."""
        result = {}
        for key, stream in wanted.items():
            if key not in file.streams:
                raise DataError(
                    f"{file.path}: found no {key!r} among {', '.join(file.streams) or 'no data keys'}, "
                    f"expected {stream}{nearest(key, file.streams)}"
                )
            found = file.streams[key]
            fits = found.has_feature_axis == stream.has_feature_axis and (found.sparse or not stream.sparse)
            compare_dim = stream.sparse or stream.has_feature_axis
            if not fits or (compare_dim and None not in (found.dim, stream.dim) and found.dim != stream.dim):
                raise DataError(f"{file.path}: {key!r} holds {found}, expected {stream}")
            result[key] = replace(stream, dim=stream.dim if stream.dim is not None else found.dim)
        return result


def _runs(starts: np.ndarray, stops: np.ndarray, max_gap: int) -> Iterator[slice]:
    """Slices of neighbours with at most `max_gap` between the end of one and the start of the next."""
    borders = np.flatnonzero(starts[1:] - stops[:-1] > max_gap) + 1
    edges = [0, *borders.tolist(), len(starts)]
    for first, last in itertools.pairwise(edges):
        yield slice(first, last)
