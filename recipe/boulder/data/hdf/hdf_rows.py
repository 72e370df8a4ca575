"""`HdfRows`: the rows of an HDF array, read past the HDF5 library where that is possible.

The library costs some 50 µs per access, and lets one thread read at a time. Numbers that lie in the file as they lie in memory,
uncompressed, are read by the operating system instead. A file may hold an array in tiles: blocks of rows, cut into columns.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator

import numpy as np

from boulder.lazy import h5py

_MOST_TILES = 1 << 20  # so many are found in a second
_SMALLEST_TILE = 1 << 12  # bytes; the library caches small ones


class HdfRows:
    """
    Several threads may read at the same time.

    :param array: of an open file; [rows] or [rows, columns, …]
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
        if self._plain is None:
            return self.array[start:stop]
        rows = np.empty((max(0, stop - start), *self.shape[1:]), self.dtype)
        self.read_into(rows, start)
        return rows

    def read_into(self, rows: np.ndarray, start: int) -> None:
        """
        Fills an array with the rows from `start` on.

        :param rows: [number of rows, …], contiguous
        :raises OSError: if the file cannot be read
        """
        if self._plain is None:
            rows[:] = self.array[start : start + len(rows)]
        elif len(rows):
            self._plain.read_into(rows.reshape(len(rows), -1), start)

    def close(self) -> None:
        if self._tiles is not None:
            os.close(self._tiles.file)
        self._tiles, self._is_known = None, False

    @property
    def _plain(self) -> _Tiles | None:
        """:return: where the numbers lie in the file; None if the library must read"""
        if not self._is_known:
            with self._opening:
                if not self._is_known:
                    self._tiles = _tiles_of(self.array)
                    self._is_known = True
        return self._tiles


class _Tiles:
    """
    :param file: descriptor
    :param rows: rows of a tile
    :param columns: columns of a tile; 1 for an array without columns
    :param dtype: of the numbers
    :param positions: int64 [blocks of rows, tiles side by side]: the byte where each tile starts
    """

    def __init__(self, file: int, rows: int, columns: int, dtype: np.dtype, positions: np.ndarray) -> None:
        self.file, self._rows, self._columns, self._dtype = file, rows, columns, dtype
        self._across = positions.shape[1]
        self._tile_bytes = rows * columns * dtype.itemsize
        self._positions = positions.ravel()
        gaps = np.flatnonzero(np.diff(self._positions) != self._tile_bytes) + 1
        self._gaps = array("q", gaps.astype("int64").tobytes())  # bisect is faster on it than on NumPy's

    def read_into(self, rows: np.ndarray, start: int) -> None:
        """
        :param rows: [number of rows, columns of the array]
        :param start: number of the first row
        """
        if self._across == 1 and self._columns == rows.shape[1]:
            row_bytes = self._tile_bytes // self._rows
            for block, last in self._neighbours(start // self._rows, (start + len(rows) - 1) // self._rows + 1):
                before = block * self._rows
                first = max(start, before)
                position = int(self._positions[block]) + (first - before) * row_bytes
                _fill(rows[first - start : last * self._rows - start], self.file, position)
        else:
            self._join_tiles(rows, start)

    def _join_tiles(self, rows: np.ndarray, start: int) -> None:
        """Reads whole tiles that lie side by side, and copies their rows as one value each: twice as fast as by number."""
        first = start // self._rows
        blocks = (start + len(rows) - 1) // self._rows + 1 - first
        tiles = np.empty((blocks, self._across, self._rows, self._columns), self._dtype)
        flat = tiles.reshape(blocks * self._across, -1)
        offset = first * self._across
        for begin, end in self._neighbours(offset, offset + len(flat)):
            _fill(flat[begin - offset : end - offset], self.file, int(self._positions[begin]))
        row = np.dtype((np.void, self._tile_bytes // self._rows))
        whole = rows.shape[1] // self._columns  # the last tile may reach past the array
        joined = rows[:, : whole * self._columns].view(row)
        parts = tiles.view(row)[:, :whole, :, 0]
        for block in range(blocks):
            before = (first + block) * self._rows - start
            begin, end = max(0, before), min(len(rows), before + self._rows)
            inside = slice(begin - before, end - before)
            joined[begin:end] = parts[block, :, inside].T
            if whole < self._across:
                rest = rows[begin:end, whole * self._columns :]
                rest[:] = tiles[block, whole, inside, : rest.shape[1]]

    def _neighbours(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """:return: (first, last + 1) of those of the tiles from `first` to `last` - 1 that follow one another in the file"""
        low, high = bisect_right(self._gaps, first), bisect_left(self._gaps, last)
        return itertools.pairwise([first, *self._gaps[low:high], last])


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
    elif array.ndim > 2 and array.chunks[1:] != array.shape[1:]:
        return None
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
