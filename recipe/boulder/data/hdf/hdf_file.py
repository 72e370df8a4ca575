"""`HdfFile`: an open file in RETURNN's HDF layout."""

from __future__ import annotations

import itertools
import re
import zipfile
from pathlib import Path

import numpy as np

from boulder.data.hdf.hdf_rows import HdfRows
from boulder.data.hdf.offsets import Offsets
from boulder.data.streams import Stream
from boulder.errors import DataError, nearest
from boulder.lazy import h5py

_TAGS_KEPT = 1 << 18
_TAGS_BETWEEN = 1 << 9  # reading so many tags costs as much as another access
_FILES_COMPARED = 1000
_BLOCK = 1 << 18  # lengths that are read at once


class HdfFile:
    """
    Keeps the lengths of all sequences in memory (4 bytes per sequence and stream; streams of equal lengths count once),
    never the frames.

    Reads files of RETURNN's `SimpleHDFWriter` and `HDFDatasetWriter`. Streams of strings are ignored.
    """

    def __init__(self, path: Path) -> None:
        """:raises DataError: if the file is missing, truncated or of another layout, or if its lengths do not add up"""
        self.path = path
        if path.is_dir():
            raise DataError(f"{path}: is a folder, expected an HDF file")
        try:
            self._file = h5py.File(path, "r")
        except FileNotFoundError:
            raise DataError(f"{path}: no such file, expected an HDF file{_like(path)}") from None
        except OSError as error:
            if zipfile.is_zipfile(path):
                raise DataError(
                    f"{path}: is a zip file, expected an HDF file; {{'class': 'OggZipDataset', 'path': …}} describes recordings"
                ) from error
            raise DataError(f"{path}: not a readable HDF file, perhaps truncated: {_reason(error)}") from error
        self._tags: np.ndarray | None = None
        self._rows: dict[str, HdfRows] = {}
        try:
            self._datasets = self._find_datasets()
            self.all_lengths = self._read_lengths()
            self.num_seqs = len(self._file["seqLengths"])
            self.streams = {key: self._stream(key) for key in self._datasets}
            self.offsets = self._find_offsets()
            self._rows = {key: HdfRows(dataset) for key, dataset in self._datasets.items()}
        except (OSError, KeyError, RuntimeError) as error:  # h5py raises each of these for damaged files
            self._file.close()
            raise DataError(f"{path}: not a readable HDF file, perhaps truncated: {_reason(error)}") from error
        except BaseException:
            self._file.close()
            raise

    def lengths(self, key: str) -> np.ndarray:
        """:return: int32 [N]"""
        return self.all_lengths[key]

    def row_bytes(self, key: str) -> int:
        """:return: size of a frame in the file"""
        return self._rows[key].row_bytes

    def rows(self, key: str, start: int, stop: int) -> np.ndarray:
        """
        :return: the frames [stop - start, …], with the dtype of the file
        :raises DataError: if the file cannot be read
        """
        try:
            return self._rows[key].read(start, stop)
        except OSError as error:
            raise self._unreadable(key, start, stop, error) from error

    def read_into(self, rows: np.ndarray, key: str, start: int) -> None:
        """
        Fills an array with the frames from `start` on.

        :param rows: [number of frames, …], contiguous, with the dtype of the file
        :raises DataError: if the file cannot be read
        """
        try:
            self._rows[key].read_into(rows, start)
        except OSError as error:
            raise self._unreadable(key, start, start + len(rows), error) from error

    def dtype(self, key: str) -> np.dtype:
        """:return: type of the numbers in the file"""
        return self._rows[key].dtype

    def _unreadable(self, key: str, start: int, stop: int, error: OSError) -> DataError:
        return DataError(f"{self.path}: frames {start} to {stop} of {key!r} cannot be read: {_reason(error)}")

    def tags(self, indices: np.ndarray) -> list[str]:
        """
        Caches the tags of files with up to 2¹⁸ sequences.

        :param indices: sequences, ascending
        :raises DataError: if the file cannot be read
        """
        try:
            if self.num_seqs <= _TAGS_KEPT:
                if self._tags is None:
                    self._tags = self._file["seqTags"][...]
                return [_decode(self._tags[i]) for i in indices]
            return [
                _decode(tag)
                for run in _runs(indices)
                for tag in self._file["seqTags"][run[0] : run[-1] + 1][run - run[0]]
            ]
        except OSError as error:
            raise DataError(f"{self.path}: seqTags cannot be read: {_reason(error)}") from error

    def label_names(self, key: str) -> list[str] | None:
        """:return: names of the labels of a stream; None if there are none, or other than one for each label"""
        name = "labels" if key == "data" else f"targets/labels/{key}"
        if key not in self.streams or name not in self._file:
            return None
        names = [_decode(value) for value in self._array(name)[...]]
        return names if len(names) == self._declared_dim(key) else None

    def close(self) -> None:
        for rows in self._rows.values():
            rows.close()
        self._file.close()

    def _find_datasets(self) -> dict[str, h5py.Dataset]:
        for name in ("seqLengths", "seqTags"):
            if name not in self._file:
                found = ", ".join(sorted(self._file)) or "nothing"
                raise DataError(f"{self.path}: found {found}, expected RETURNN's HDF layout, which has {name!r}")
            self._array(name)
        for name in ("targets", "targets/data", "targets/size"):
            if name in self._file and not isinstance(self._file[name], h5py.Group):
                raise DataError(f"{self.path}: {name!r} is no group, expected RETURNN's HDF layout")
        datasets = {"data": self._array("inputs")} if "inputs" in self._file else {}
        if datasets and "data" in self._file.get("targets/data", ()):
            raise DataError(f"{self.path}: found two streams 'data', 'inputs' and 'targets/data/data', expected one")
        for key in sorted(self._file.get("targets/data", ())):
            datasets[key] = self._array(f"targets/data/{key}")
        return {key: dataset for key, dataset in datasets.items() if dataset.dtype.kind in "iufb"}

    def _array(self, name: str) -> h5py.Dataset:
        """:raises DataError: if it is a group or a single value"""
        item = self._file[name]
        if not isinstance(item, h5py.Dataset) or not item.shape:
            found = "a single value" if isinstance(item, h5py.Dataset) else "a group"
            raise DataError(f"{self.path}: {name!r} is {found}, expected an array, as in RETURNN's HDF layout")
        return item

    def _columns(self) -> list[str]:
        """:return: the streams that seqLengths has columns for, including those without data"""
        inputs = ["data"] if "inputs" in self._file else []
        if "targets" not in self._file:
            return [*inputs, "classes"]
        sizes = self._file["targets/size"].attrs if "targets/size" in self._file else {}
        return inputs + sorted({*self._file.get("targets/data", ()), *sizes})

    def _read_lengths(self) -> dict[str, np.ndarray]:
        """
        :return: key → int32 [N] for each column of seqLengths, even if it has no data. RETURNN counts these lengths in
            batches: that of "classes" in a file without targets, too. Equal columns are one array.
        """
        columns, lengths = self._columns(), self._file["seqLengths"]
        if lengths.dtype.kind not in "iu":
            raise DataError(f"{self.path}: seqLengths holds values of type {lengths.dtype}, expected integers")
        is_old = lengths.ndim == 1  # an old form: all streams have the same lengths
        if not is_old and (
            lengths.ndim != 2
            or lengths.shape[1] < len(self._datasets)
            or ("targets" in self._file and lengths.shape[1] != len(columns))
        ):
            raise DataError(
                f"{self.path}: seqLengths has shape {list(lengths.shape)}, "
                f"expected [{len(lengths)}, {len(columns)}] for {', '.join(columns)}"
            )
        if len(self._file["seqTags"]) != len(lengths):
            raise DataError(f"{self.path}: found {len(self._file['seqTags'])} seqTags, expected {len(lengths)}")
        count = 1 if is_old else lengths.shape[1]
        found = [np.empty(len(lengths), "int32") for _ in columns[:count]]
        for start in range(0, len(lengths), _BLOCK):
            block = lengths[start : start + _BLOCK].reshape(-1, count)
            if block.size and not 0 <= block.min() <= block.max() < 1 << 31:
                wrong = block.min() if block.min() < 0 else block.max()
                raise DataError(f"{self.path}: found a length of {wrong} in seqLengths, expected 0 to {(1 << 31) - 1}")
            for column, values in zip(found, block.T, strict=False):
                column[start : start + _BLOCK] = values
        for i in range(1, len(found)):
            found[i] = next((other for other in found[:i] if np.array_equal(other, found[i])), found[i])
        return dict.fromkeys(columns, found[0]) if is_old else dict(zip(columns, found, strict=False))

    def _find_offsets(self) -> dict[str, Offsets]:
        """:raises DataError: if the lengths do not add up"""
        by_lengths = {id(lengths): Offsets(lengths) for lengths in self.all_lengths.values()}
        result = {key: by_lengths[id(self.all_lengths[key])] for key in self._datasets}
        for key, dataset in self._datasets.items():
            if result[key].total != dataset.shape[0]:
                raise DataError(
                    f"{self.path}: {key!r} has {dataset.shape[0]} frames, expected {result[key].total}, the sum of its seqLengths"
                )
        return result

    def _stream(self, key: str) -> Stream:
        dataset = self._datasets[key]
        if dataset.ndim > 1:
            *inner, dim = map(int, dataset.shape[1:])
            return Stream(key, dim, sparse=False, inner=tuple(inner))
        if dataset.dtype.kind == "f":
            return Stream(key, None, sparse=False, has_feature_axis=False)
        return Stream(key, self._declared_dim(key), sparse=True)

    def _declared_dim(self, key: str) -> int | None:
        if key == "data":
            declared = self._file.attrs.get("inputPattSize", 0)
        else:
            sizes = self._file["targets/size"].attrs if "targets/size" in self._file else {}
            declared = sizes.get(key, 0)  # the dimension, or that and the number of axes
        try:
            dim = int(np.ravel(declared)[0])
        except (ValueError, TypeError, IndexError):
            raise DataError(f"{self.path}: the dimension of {key!r} is {declared!r:.60}, expected an integer") from None
        return dim if dim > 1 else None  # RETURNN's SimpleHDFWriter writes 1 for an unknown dimension


def _runs(indices: np.ndarray) -> list[np.ndarray]:
    """:return: the indices, ascending, in parts that are read with one access each"""
    return np.split(indices, np.flatnonzero(np.diff(indices) > _TAGS_BETWEEN) + 1) if len(indices) else []


def _like(path: Path) -> str:
    """:return: the end of a message: the file of this folder with the nearest name"""
    try:
        there = [other.name for other in itertools.islice(path.parent.iterdir(), _FILES_COMPARED)]
    except OSError:
        return ""
    return nearest(path.name, there)


def _reason(error: Exception) -> str:
    """:return: HDF5's message in one line, without its time, file descriptor and buffer"""
    message = re.search(r"error message = '(.*?)'", str(error))
    return message[1] if message else " ".join(str(error).split())


def _decode(value: bytes | str) -> str:
    text = value.decode("utf8") if isinstance(value, bytes) else str(value)
    return text.split("\0")[0]  # RETURNN pads tags with NULs
