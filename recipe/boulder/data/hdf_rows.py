"""`HdfRows`: the rows of an HDF array, read past the HDF5 library where that is possible.

The library costs some 50 µs per access, and lets one thread read at a time. Rows that lie in the file as they lie in memory,
uncompressed and in whole rows, are read by the operating system instead.
"""

from __future__ import annotations

import os
import threading
from functools import cached_property

import h5py
import numpy as np

_MOST_CHUNKS = 1 << 17  # so many positions are found in a fraction of a second
_SMALLEST_CHUNK = 1 << 12  # bytes


class HdfRows:
    """
    Several threads may read at the same time.

    :param array: of an open file; [rows] or [rows, columns]
    :param path: the file
    """

    def __init__(self, array: h5py.Dataset, path: os.PathLike[str]) -> None:
        self.array, self.path = array, path
        self.dtype, self.shape = array.dtype, array.shape
        self._file: int | None = None
        self._opening = threading.Lock()

    @property
    def row_bytes(self) -> int:
        return self.dtype.itemsize * int(np.prod(self.shape[1:]))

    def read(self, start: int, stop: int) -> np.ndarray:
        """
        :return: [stop - start, …]
        :raises OSError: if the file cannot be read
        """
        with self._opening:
            chunks = self._chunks
        if chunks is None:
            return self.array[start:stop]
        file, rows, positions = chunks
        result = np.empty((stop - start, *self.shape[1:]), self.dtype)
        into, size = result.reshape(-1).view("uint8").data, self.row_bytes
        for chunk in range(start // rows, (stop - 1) // rows + 1 if stop > start else 0):
            first, last = max(start, chunk * rows), min(stop, (chunk + 1) * rows)
            position = positions[chunk] + (first - chunk * rows) * size
            _fill(into[(first - start) * size : (last - start) * size], file, position)
        return result

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @cached_property
    def _chunks(self) -> tuple[int, int, list[int]] | None:
        """descriptor of the file, rows per chunk, and the position of each chunk; None if the library must read"""
        chunks = _positions(self.array)
        if chunks is None:
            return None
        self._file = os.open(self.path, os.O_RDONLY)
        return self._file, *chunks


def _fill(into: memoryview, file: int, position: int) -> None:
    while into:
        count = os.preadv(file, [into], position)
        if not count:
            raise OSError(f"the file ends before byte {position + len(into)}")
        into, position = into[count:], position + count


def _positions(array: h5py.Dataset) -> tuple[int, list[int]] | None:
    """:return: rows per chunk, and the position of each chunk in the file; None if the library must read"""
    settings = array.id.get_create_plist()
    is_plain = array.dtype.kind in "iuf" and array.id.get_type() == h5py.h5t.py_create(array.dtype, logical=True)
    if not is_plain or not array.size or array.file.driver != "sec2" or array.file.userblock_size:
        return None
    if array.chunks is None:
        position = array.id.get_offset()
        if settings.get_layout() != h5py.h5d.CONTIGUOUS or settings.get_external_count() or position is None:
            return None
        return len(array), [position]
    count = -(-len(array) // array.chunks[0])
    if settings.get_nfilters() or array.chunks[1:] != array.shape[1:] or count > _MOST_CHUNKS:
        return None
    row_bytes = array.dtype.itemsize * int(np.prod(array.shape[1:]))
    if array.chunks[0] * row_bytes < _SMALLEST_CHUNK or array.id.get_num_chunks() != count:
        return None
    positions = [0] * count

    def found(chunk: h5py.h5d.StoreInfo) -> None:
        positions[chunk.chunk_offset[0] // array.chunks[0]] = chunk.byte_offset

    array.id.chunk_iter(found)
    return array.chunks[0], positions
