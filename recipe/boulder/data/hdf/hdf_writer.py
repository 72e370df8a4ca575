"""`HdfWriter`: writes files in RETURNN's HDF layout, which RETURNN's `HDFDataset` reads. For N sequences:

    inputs                [sum of lengths, D] or, sparse, [sum of lengths]: the concatenated frames of "data"
    seqLengths            int32 [N, streams]: a column for "data", if it exists, then the other streams in sorted order
    seqTags               str [N]
    targets/data/KEY      like inputs, for every other stream
    targets/size          attributes KEY → [dim, number of axes of an array]
    targets/labels/KEY    str: names of the labels
    labels                the same for "data", if it has label names
    attributes            inputPattSize, numLabels (both the dimension of "data"), numDims, numSeqs, numTimesteps

With "data" alone, seqLengths still has a second column, since `HDFDataset` expects one for "classes".
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from boulder.atomic_file import replaced
from boulder.counted import counted
from boulder.data.hdf.patient_file import PatientFile
from boulder.data.streams import Stream, read_extern_data
from boulder.errors import DataError, nearest
from boulder.lazy import h5py

_BUFFER_BYTES = 1 << 20
_BUFFER_SEQS = 1 << 12
_CHUNK_BYTES = 1 << 16


class HdfWriter:
    """
    Writes sequences to a file, within a `with` block. The file appears under its name at the end of the block. If the block
    raises, nothing is left behind.

        with HdfWriter("train.hdf", {"data": {"dim": 27, "sparse": True}, "classes": {"dim": 40, "sparse": True}}) as out:
            out.write("abbey", {"data": np.array([1, 2, 2, 5, 25]), "classes": np.array([3, 7, 20])})
    """

    def __init__(
        self, path: str | os.PathLike, extern_data: Mapping, labels: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """
        :param path: an existing file is replaced
        :param extern_data: see `read_extern_data`; unless `dtype` is set, sparse data is stored as int32, dense as float32
        :param labels: key → names of the labels, as many as the dimension
        :raises DataError: if the arguments contradict each other, or if the file cannot be created
        """
        self.path = Path(path)
        self.spec = read_extern_data(extern_data)
        self._labels = {key: list(names) for key, names in (labels or {}).items()}
        self._check_arguments()
        self._saved = contextlib.ExitStack()  # closing it renames the file; an exception in it removes the file
        self._file: Any = None  # h5py.File while open
        self._disk: PatientFile | None = None
        self._buffer: dict[str, list[np.ndarray]] = {key: [] for key in self.spec}
        self._buffered_bytes = 0
        self._tags: list[str] = []
        self._num_seqs = 0

    def __enter__(self) -> HdfWriter:
        self._guarded(self._create)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._guarded(self._finish)
        finally:
            self._discard()

    def write(self, tag: str, data: Mapping[str, np.ndarray]) -> None:
        """
        :param tag: name of the sequence
        :param data: every key of `extern_data` → dense [T, D], or sparse [T], where T may differ between streams; without T for
            a stream without a time axis, which is stored as a single frame
        :raises DataError: for a wrong key, shape, dtype or label
        """
        if self._file is None:
            raise DataError(f"{self.path}: sequence {tag!r} written to a closed file, expected it inside `with`")
        if not isinstance(tag, str) or "\0" in tag:
            raise DataError(f"{self.path}: found sequence tag {tag!r}, expected a str without NUL")
        if data.keys() != self.spec.keys():
            found, expected = (", ".join(sorted(keys)) or "none" for keys in (data, self.spec))
            raise DataError(f"{self.path}: sequence {tag!r} has the data keys {found}, expected {expected}")
        arrays = {key: self._checked(tag, stream, data[key]) for key, stream in self.spec.items()}
        for key, array in arrays.items():
            self._buffer[key].append(array)
            self._buffered_bytes += array.nbytes
        self._tags.append(tag)
        if self._buffered_bytes >= _BUFFER_BYTES or len(self._tags) >= _BUFFER_SEQS:
            self._guarded(self._flush)

    def _check_arguments(self) -> None:
        if not self.spec:
            raise DataError(f"{self.path}: extern_data is empty, expected at least one stream")
        for key, stream in self.spec.items():
            if stream.dim is None and (stream.sparse or stream.has_feature_axis):
                raise DataError(f"{self.path}: extern_data[{key!r}] has no dim, which a file to be written needs")
        for key, names in self._labels.items():
            if key not in self.spec:
                raise DataError(f"{self.path}: labels for {key!r}{nearest(key, self.spec)}, which extern_data lacks")
            if len(names) != self.spec[key].dim:
                raise DataError(
                    f"{self.path}: found {counted(len(names), 'label')} for {key!r}, expected {self.spec[key].dim}"
                )

    def _checked(self, tag: str, stream: Stream, value: object) -> np.ndarray:
        array = np.asarray(value)
        where = f"{self.path}: sequence {tag!r}, {stream.key!r}"
        if not stream.has_time_axis and array.shape == stream.feature_shape:
            array = array[None]
        if array.ndim != 1 + len(stream.feature_shape) or array.shape[1:] != stream.feature_shape:
            raise DataError(f"{where}: found shape {list(array.shape)}, expected {stream}")
        if stream.sparse:
            if array.dtype.kind not in "iu" and array.size:
                raise DataError(f"{where}: found {array.dtype}, expected integers, as the stream is sparse")
            dim = stream.dim or 0
            if array.size and not (array.min() >= 0 and array.max() < dim):
                raise DataError(f"{where}: found labels {array.min()} to {array.max()}, expected 0 to {dim - 1}")
        elif array.dtype.kind not in "iufb":
            raise DataError(f"{where}: found {array.dtype}, expected numbers")
        return array.astype(stream.dtype)  # a copy: the caller may reuse the array

    def _guarded(self, step: Callable[[], None]) -> None:
        """Turns an OSError, e.g. of a full disk or a missing folder, into a DataError, and leaves no file behind."""
        try:
            step()
            if self._disk is not None:
                self._disk.check()
        except OSError as error:
            self._discard()
            text = " ".join(str(error).split())
            raise DataError(f"{self.path}: cannot be written: {text}") from error

    def _create(self) -> None:
        temporary = self._saved.enter_context(replaced(self.path, durable=True))
        self._disk = self._saved.enter_context(PatientFile(temporary))
        self._file = h5py.File(self._disk, "w")
        for key, stream in self.spec.items():
            row_bytes = np.dtype(stream.dtype).itemsize * math.prod(size or 1 for size in stream.feature_shape)
            self._file.create_dataset(
                _dataset_name(key),
                shape=(0, *stream.feature_shape),
                maxshape=(None, *stream.feature_shape),
                dtype=stream.dtype,
                chunks=(max(1, _CHUNK_BYTES // row_bytes), *stream.feature_shape),
            )
        num_columns = 2 if list(self.spec) == ["data"] else len(self.spec)
        self._file.create_dataset(
            "seqLengths", (0, num_columns), "int32", maxshape=(None, num_columns), chunks=(1 << 12, num_columns)
        )
        self._file.create_dataset("seqTags", (0,), h5py.string_dtype(), maxshape=(None,), chunks=(1 << 10,))
        if self._labels.get("data"):
            self._create_strings("labels", self._labels["data"])
        for key, stream in self.spec.items():
            if key != "data":
                size = [stream.dim or 1, 1 + len(stream.feature_shape)]
                self._file.require_group("targets/size").attrs[key] = size
                # As RETURNN's HDFDatasetWriter; its SimpleHDFWriter's single dummy keeps RETURNN from copying the file.
                names = self._labels.get(key) or [f"{key}-class-{i}" for i in range(stream.dim or 1)]
                self._create_strings(f"targets/labels/{key}", names)

    def _create_strings(self, name: str, values: list[str]) -> None:
        encoded = [value.encode("utf8") for value in values]
        longest = max(map(len, encoded), default=0)
        self._file.create_dataset(name, data=np.array(encoded, dtype=f"S{longest + 1}"))

    def _flush(self) -> None:
        if not self._tags:
            return
        lengths = np.zeros((len(self._tags), self._file["seqLengths"].shape[1]), "int32")
        for column, key in enumerate(self.spec):
            lengths[:, column] = [len(array) for array in self._buffer[key]]
            _append(self._file[_dataset_name(key)], np.concatenate(self._buffer[key]))
            self._buffer[key].clear()
        _append(self._file["seqLengths"], lengths)
        _append(self._file["seqTags"], np.array(self._tags, dtype=object))
        self._num_seqs += len(self._tags)
        self._tags.clear()
        self._buffered_bytes = 0

    def _finish(self) -> None:
        self._flush()
        key = next(iter(self.spec))
        dim = self.spec[key].dim or 1
        self._file.attrs.update(
            inputPattSize=dim,
            numLabels=dim,
            numDims=1,
            numSeqs=self._num_seqs,
            numTimesteps=self._file[_dataset_name(key)].shape[0],
        )
        self._file.close()
        self._file = None
        if self._disk is not None:
            self._disk.check()
        self._saved.close()

    def _discard(self) -> None:
        """Closes and removes an unfinished file."""
        file, self._file, self._disk = self._file, None, None
        if file is not None:
            with contextlib.suppress(OSError, RuntimeError):  # broken or not, it is discarded
                file.close()
        with contextlib.suppress(DataError), self._saved:
            raise DataError("discarded")


def _dataset_name(key: str) -> str:
    return "inputs" if key == "data" else f"targets/data/{key}"


def _append(dataset: h5py.Dataset, rows: np.ndarray) -> None:
    start = dataset.shape[0]
    dataset.resize(start + len(rows), axis=0)
    dataset[start:] = rows
