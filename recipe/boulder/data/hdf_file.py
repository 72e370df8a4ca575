"""`HdfFile`: an open file in RETURNN's HDF layout."""

import re
from pathlib import Path

import h5py
import numpy as np

from boulder.data.streams import Stream
from boulder.errors import DataError

_TAGS_KEPT = 1 << 18


class HdfFile:
    """
    Keeps the offsets of all sequences in memory (8 bytes per sequence and stream), never the frames.

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
            raise DataError(f"{path}: no such file, expected an HDF file") from None
        except OSError as error:
            raise DataError(f"{path}: not a readable HDF file, perhaps truncated: {_reason(error)}") from error
        self._tags: np.ndarray | None = None
        self.offsets: dict[str, np.ndarray] = {}
        """key → int64 [N + 1]"""
        try:
            self._datasets = self._find_datasets()
            lengths = self._read_lengths()
            self.num_seqs = len(lengths)
            self.streams = {key: self._stream(key) for key in self._datasets}
            self._fill_offsets(lengths)
        except (OSError, KeyError, RuntimeError) as error:  # h5py raises each of these for damaged files
            self._file.close()
            raise DataError(f"{path}: not a readable HDF file, perhaps truncated: {_reason(error)}") from error
        except BaseException:
            self._file.close()
            raise

    def _fill_offsets(self, lengths: np.ndarray) -> None:
        columns = self._columns()
        for key, dataset in self._datasets.items():
            offsets = np.zeros(self.num_seqs + 1, "int64")
            np.cumsum(lengths[:, columns.index(key)], out=offsets[1:])
            if offsets[-1] != dataset.shape[0]:
                raise DataError(
                    f"{self.path}: {key!r} has {dataset.shape[0]} frames, expected {offsets[-1]}, the sum of its seqLengths"
                )
            self.offsets[key] = offsets

    def lengths(self, key: str) -> np.ndarray:
        """:return: int32 [N]"""
        return np.diff(self.offsets[key]).astype("int32")

    def all_lengths(self) -> dict[str, np.ndarray]:
        """
        :return: key → int32 [N] for each column of seqLengths, even if it has no data. RETURNN counts these lengths in
            batches: that of "classes" in a file without targets, too.
        """
        lengths = self._read_lengths()
        return {key: lengths[:, i].astype("int32") for i, key in enumerate(self._columns()) if i < lengths.shape[1]}

    def row_bytes(self, key: str) -> int:
        """:return: size of a frame in the file"""
        dataset = self._datasets[key]
        return dataset.dtype.itemsize * int(np.prod(dataset.shape[1:]))

    def rows(self, key: str, start: int, stop: int) -> np.ndarray:
        """
        :return: the frames [stop - start, …], with the dtype of the file
        :raises DataError: if the file cannot be read
        """
        try:
            return self._datasets[key][start:stop]
        except OSError as error:
            raise DataError(
                f"{self.path}: frames {start} to {stop} of {key!r} cannot be read: {_reason(error)}"
            ) from error

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
            seq_tags = self._file["seqTags"]
            return [_decode(seq_tags[i]) for i in indices]
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

    def _read_lengths(self) -> np.ndarray:
        columns, lengths = self._columns(), self._file["seqLengths"][...]
        if lengths.dtype.kind not in "iu":
            raise DataError(f"{self.path}: seqLengths holds values of type {lengths.dtype}, expected integers")
        if lengths.ndim == 1:  # an old form: all streams have the same lengths
            lengths = np.repeat(lengths[:, None], len(columns), axis=1)
        if (
            lengths.ndim != 2
            or lengths.shape[1] < len(self._datasets)
            or ("targets" in self._file and lengths.shape[1] != len(columns))
        ):
            raise DataError(
                f"{self.path}: seqLengths has shape {list(lengths.shape)}, "
                f"expected [{len(lengths)}, {len(columns)}] for {', '.join(columns)}"
            )
        if lengths.size and lengths.min() < 0:
            raise DataError(f"{self.path}: found a length of {lengths.min()} in seqLengths, expected none below 0")
        if len(self._file["seqTags"]) != len(lengths):
            raise DataError(f"{self.path}: found {len(self._file['seqTags'])} seqTags, expected {len(lengths)}")
        return lengths

    def _stream(self, key: str) -> Stream:
        dataset = self._datasets[key]
        if dataset.ndim > 2:
            raise DataError(f"{self.path}: {key!r} has {dataset.ndim} axes, expected [T] or [T, D]")
        if dataset.ndim == 2:
            return Stream(key, int(dataset.shape[1]), sparse=False)
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


def _reason(error: Exception) -> str:
    """:return: HDF5's message in one line, without its time, file descriptor and buffer"""
    message = re.search(r"error message = '(.*?)'", str(error))
    return message[1] if message else " ".join(str(error).split())


def _decode(value: bytes | str) -> str:
    text = value.decode("utf8") if isinstance(value, bytes) else str(value)
    return text.split("\0")[0]  # RETURNN pads tags with NULs
