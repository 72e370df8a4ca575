"""`HdfRows`: the rows of an HDF array, read past the HDF5 library where that is possible.

The library costs some 50 µs per access, and lets one thread read at a time. Numbers that lie in the file as they lie in memory,
uncompressed, are read by the operating system instead. A file may hold an array in tiles: blocks of rows, cut into columns.
"""

from __future__ import annotations

import itertools
import math
import os
import threading

import h5py
import numpy as np

_MOST_TILES = 1 << 20  # so many are found in a second
_SMALLEST_TILE = 1 << 12  # bytes; the library caches small ones


class HdfRows:
    """
    Several threads may read at the same time.

    :param array: of an open file; [rows] or [rows, columns]
    """

    def __init__(self, array: h5py.Dataset) -> None:
        self.array = array
        self.dtype, self.shape = array.dtype, array.shape
        self.row_bytes = self.dtype.itemsize * math.prod(self.shape[1:])
        self._tiles: _Tiles | None = None
        self._is_known = False
        self._opening = threading.Lock()

    def read(self, start: int, stop: int) -> np.ndarray:
        """
        :return: [stop - start, …]
        :raises OSError: if the file cannot be read
        """
        with self._opening:
            if not self._is_known:
                self._tiles, self._is_known = _tiles_of(self.array), True
        if self._tiles is None:
            return self.array[start:stop]
        if stop <= start:
            return np.empty((0, *self.shape[1:]), self.dtype)
        rows = self._tiles.read_rows(start, stop) if self._tiles.across == 1 else self._tiles.read_tiles(start, stop)
        return rows[:, : self.shape[1]] if self.array.ndim > 1 else rows[:, 0]

    def close(self) -> None:
        if self._tiles is not None:
            os.close(self._tiles.file)
        self._tiles, self._is_known = None, False


class _Tiles:
    """
    :param file: descriptor
    :param rows: rows of a tile
    :param columns: columns of a tile; 1 for an array without columns
    :param dtype: of the numbers
    :param positions: int64 [blocks of rows, tiles side by side]: the byte where each tile starts
    """

    def __init__(self, file: int, rows: int, columns: int, dtype: np.dtype, positions: np.ndarray) -> None:
        self.file, self._rows, self._columns, self._dtype, self._positions = file, rows, columns, dtype, positions
        self.across = positions.shape[1]
        self._bytes_of_row = columns * dtype.itemsize

    def read_rows(self, start: int, stop: int) -> np.ndarray:
        """:return: [stop - start, columns], where no tiles lie side by side"""
        result = np.empty((stop - start, self._columns), self._dtype)
        for block in range(start // self._rows, (stop - 1) // self._rows + 1):
            before = block * self._rows
            first, last = max(start, before), min(stop, before + self._rows)
            position = int(self._positions[block, 0]) + (first - before) * self._bytes_of_row
            _fill(result[first - start : last - start], self.file, position)
        return result

    def read_tiles(self, start: int, stop: int) -> np.ndarray:
        """:return: [stop - start, columns of all tiles], from whole tiles, those that follow one another at once"""
        first, last = start // self._rows, (stop - 1) // self._rows + 1
        tiles = np.empty((last - first, self.across, self._rows, self._columns), self._dtype)
        positions = self._positions[first:last].ravel()
        gaps = np.flatnonzero(np.diff(positions) != self._rows * self._bytes_of_row) + 1
        for begin, end in itertools.pairwise([0, *gaps.tolist(), len(positions)]):
            _fill(tiles.reshape(len(positions), -1)[begin:end], self.file, int(positions[begin]))
        before = start - first * self._rows
        if last - first == 1:
            tiles, before = tiles[:, :, before : before + stop - start], 0
        rows = tiles.transpose(0, 2, 1, 3).reshape(-1, self.across * self._columns)
        return rows[before : before + stop - start]


def _fill(array: np.ndarray, file: int, position: int) -> None:
    into = array.reshape(-1).view("uint8").data
    while into:
        count = os.preadv(file, [into], position)
        if not count:
            raise OSError(f"the file ends before byte {position + len(into)}")
        into, position = into[count:], position + count


def _tiles_of(array: h5py.Dataset) -> _Tiles | None:
    """:return: None if the library must read"""
    settings, dtype = array.id.get_create_plist(), array.dtype
    is_plain = dtype.kind in "iuf" and array.id.get_type() == h5py.h5t.py_create(dtype, logical=True)
    if not is_plain or not array.size or array.file.driver != "sec2" or array.file.userblock_size:
        return None
    if array.chunks is None:
        position = array.id.get_offset()
        if settings.get_layout() != h5py.h5d.CONTIGUOUS or settings.get_external_count() or position is None:
            return None
        rows, columns, positions = len(array), math.prod(array.shape[1:]), np.array([[position]])
    else:
        rows, columns = array.chunks[0], math.prod(array.chunks[1:])
        grid = tuple(-(-size // tile) for size, tile in zip(array.shape, array.chunks, strict=True))
        count = math.prod(grid)
        is_small = rows * columns * dtype.itemsize < _SMALLEST_TILE
        if settings.get_nfilters() or is_small or count > _MOST_TILES or array.id.get_num_chunks() != count:
            return None
        positions = np.zeros(grid, "int64").reshape(grid[0], -1)

        def found(tile: h5py.h5d.StoreInfo) -> None:
            column = tile.chunk_offset[1] // columns if len(grid) > 1 else 0
            positions[tile.chunk_offset[0] // rows, column] = tile.byte_offset

        array.id.chunk_iter(found)
    file = os.dup(
        array.file.id.get_vfd_handle()
    )  # not by its path: a link may lead to another file, or this one be replaced
    return _Tiles(file, rows, columns, dtype, positions)
