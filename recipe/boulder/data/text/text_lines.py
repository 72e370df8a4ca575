"""`TextLines`: the lines of a text file, read by number."""

from __future__ import annotations

import gzip
import mmap
import tempfile
import warnings
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import numpy as np

from boulder.errors import DataError

_BLOCK = 1 << 24
_LINE_BREAK = 10


class TextLines:
    """
    Keeps the position and the number of bytes of each line in memory, never the text. What is unpacked lies in a temporary
    file without a name.

    :ivar sizes: int64 [N], bytes of each line
    """

    def __init__(self, path: Path, skip_empty: bool = False, bliss: bool = False, needs_break: bool = False) -> None:
        """
        :param path: a text file in UTF-8; gzipped if it ends in .gz
        :param skip_empty: whether empty lines are left out, those of a corpus in Bliss XML excepted
        :param bliss: whether the file may also be a corpus in Bliss XML, whose lines are the texts of its segments
        :param needs_break: whether the rest after the last line break of a file that is not gzipped is left out, with a warning
        :raises DataError: if the file cannot be read
        """
        self.path = path
        try:
            if bliss and _is_corpus(path):
                self._unpack(_segments(path), skip_empty=False)
            elif path.suffix == ".gz":
                with gzip.open(path) as lines:
                    self._unpack(lines, skip_empty)
            else:
                self._find(skip_empty, needs_break)
        except FileNotFoundError:
            raise DataError(f"{path}: no such file, expected a text file") from None
        except (OSError, EOFError, zlib.error, ElementTree.ParseError) as error:
            raise DataError(f"{path}: cannot be read: {error}") from error

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> str:
        """
        :return: a line, without white space at its ends
        :raises DataError: if it is not UTF-8
        """
        start = int(self._starts[index])
        try:
            return self._bytes[start : start + int(self.sizes[index])].decode("utf8").strip()
        except UnicodeDecodeError as error:
            raise DataError(f"{self.path}: line {index} is not text in UTF-8: {error}") from error

    def close(self) -> None:
        if isinstance(self._bytes, mmap.mmap):
            self._bytes.close()
        self._file.close()

    def _find(self, skip_empty: bool, needs_break: bool) -> None:
        self._open(self.path.open("rb"))
        blocks = range(0, len(self._bytes), _BLOCK)
        found = [np.flatnonzero(np.frombuffer(self._bytes[i : i + _BLOCK], "uint8") == _LINE_BREAK) + i for i in blocks]
        ends = np.concatenate([np.zeros(0, "int64"), *found])
        starts = np.concatenate([[0], ends + 1])
        if starts[-1] == len(self._bytes):
            starts = starts[:-1]
        elif needs_break:
            warnings.warn(f"{self.path}: the last line has no line break and is left out, as in RETURNN", stacklevel=2)
            starts = starts[:-1]
        else:
            ends = np.append(ends, len(self._bytes))
        used = (ends > starts) | (not skip_empty)
        self._starts, self.sizes = starts[used], (ends - starts)[used]

    def _unpack(self, lines: Iterable[bytes], skip_empty: bool) -> None:
        unpacked, sizes = tempfile.TemporaryFile(prefix="boulder_text_"), []  # noqa: SIM115
        for line in lines:
            text = line.strip()
            if text or not skip_empty:
                sizes.append(len(text))
                unpacked.write(text + b"\n")
        unpacked.flush()
        self._open(unpacked)
        self.sizes = np.array(sizes, "int64")
        self._starts = np.cumsum(self.sizes + 1) - self.sizes - 1

    def _open(self, file: IO[bytes]) -> None:
        self._file = file
        empty = file.seek(0, 2) == 0  # which cannot be mapped
        self._bytes: mmap.mmap | bytes = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _is_corpus(path: Path) -> bool:
    with _opened(path) as file:
        try:
            _, root = next(ElementTree.iterparse(file, events=("start",)))
        except (ElementTree.ParseError, StopIteration):
            return False
        return root.tag == "corpus"


def _segments(path: Path) -> Iterator[bytes]:
    with _opened(path) as file:
        for _, element in ElementTree.iterparse(file):
            if element.tag == "segment":
                yield " ".join((element.findtext("orth") or "").split()).encode("utf8")
                element.clear()
