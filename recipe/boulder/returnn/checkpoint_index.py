"""The names and shapes in a checkpoint of RETURNN, read without TensorFlow, so that the manager can check them.

The file `NAME.index` is a table of LevelDB's format (github.com/google/leveldb, doc/table_format.md): blocks of sorted keys,
each stored without what it shares with the one before; a block that lists the blocks; and a footer. A key is the name of an
array, its value a message `BundleEntryProto` of Protocol Buffers, whose field 2 is the shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_MAGIC = bytes.fromhex("57fb808b247547db")
_FOOTER = 48
_UNCOMPRESSED = 0  # TensorFlow does not compress


def shapes_in_index(path: str) -> dict[str, tuple[int, ...]] | None:
    """
    :param path: of the file `NAME.index`
    :return: name → shape; None if the file is of another form, which only TensorFlow can judge
    """
    try:
        data = Path(path).read_bytes()
        if data[-8:] != _MAGIC:
            return None
        _, position = _handle(data[-_FOOTER:], 0)  # of a block without use here
        (offset, size), _ = _handle(data[-_FOOTER:], position)
        entries = [
            entry
            for _, handle in _entries(_block(data, offset, size))
            for entry in _entries(_block(data, *_handle(handle, 0)[0]))
        ]
        return {name.decode(): _shape(value) for name, value in entries if name}  # "" is the header
    except (OSError, IndexError, ValueError):
        return None


def _block(data: bytes, offset: int, size: int) -> bytes:
    if data[offset + size] != _UNCOMPRESSED:
        raise ValueError("compressed")
    return data[offset : offset + size]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """:return: keys and values"""
    num_restarts = int.from_bytes(block[-4:], "little")
    position, end, key = 0, len(block) - 4 * (num_restarts + 1), b""
    while position < end:
        shared, position = _varint(block, position)
        rest, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + rest]
        position += rest
        yield key, block[position : position + length]
        position += length


def _handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    """:return: (offset, size) of a block, and the position after them"""
    offset, position = _varint(data, position)
    size, position = _varint(data, position)
    return (offset, size), position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """:return: an integer in groups of 7 bits, lowest first, and the position after it"""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position


def _shape(entry: bytes) -> tuple[int, ...]:
    """:param entry: a `BundleEntryProto`, with the shape, a `TensorShapeProto`: a list of dimensions, each with its size"""
    shape = b"".join(value for number, value in _fields(entry) if number == 2 and isinstance(value, bytes))
    dims = [dim for number, dim in _fields(shape) if number == 2 and isinstance(dim, bytes)]
    return tuple(sum(size for number, size in _fields(dim) if number == 1 and isinstance(size, int)) for dim in dims)


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """:return: field numbers and values of a message"""
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        value: int | bytes
        if kind == 0:
            value, position = _varint(message, position)
        else:
            if kind == 2:
                length, position = _varint(message, position)
            else:
                length = 8 if kind == 1 else 4
            value = message[position : position + length]
            position += length
        yield tag >> 3, value
