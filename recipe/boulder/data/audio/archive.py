"""Archives of audio files: zip files, and folders in their place."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol

from boulder.errors import DataError, nearest

_LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip file: lengths of the name, and of the extra field


class Archive(Protocol):
    """
    :ivar path: for messages
    """

    path: str

    @property
    def names(self) -> Collection[str]:
        """The files in it."""

    def read(self, name: str) -> bytes:
        """:raises DataError: if the file is missing or damaged"""

    def open(self, name: str) -> BinaryIO:
        """:return: the file, of which only the parts that are used are read, where the archive permits it"""

    def fingerprint(self) -> str:
        """:return: changes with the files"""

    def close(self) -> None: ...


class ZipArchive:
    """Reads from several threads at once. Files that are stored without compression are read by position."""

    def __init__(self, path: str) -> None:
        """:raises DataError: if it is missing or no zip file"""
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except FileNotFoundError:
            raise DataError(f"{path}: no such file") from None
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"{path}: cannot be read as a zip file, perhaps truncated: {error}") from error
        self._file = os.open(path, os.O_RDONLY)

    @property
    def names(self) -> Collection[str]:
        return self._zip.NameToInfo.keys()

    def read(self, name: str) -> bytes:
        info = self._info(name)
        try:
            if info.compress_type != zipfile.ZIP_STORED:
                return self._zip.read(info)
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise DataError(f"{self.path}: {name!r} is damaged: {error}") from error
        content = os.pread(self._file, info.file_size, self._start(info))
        if zlib.crc32(content) != info.CRC:
            raise DataError(
                f"{self.path}: {name!r} is damaged: found another checksum than in the directory of the zip file"
            )
        return content

    def open(self, name: str) -> BinaryIO:
        info = self._info(name)
        if info.compress_type != zipfile.ZIP_STORED:
            return io.BytesIO(self.read(name))
        return io.BufferedReader(_Part(self._file, self._start(info), info.file_size))

    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for info in self._zip.infolist():
            digest.update(f"{info.filename}\0{info.file_size}\0{info.CRC}\n".encode())
        return digest.hexdigest()

    def close(self) -> None:
        self._zip.close()
        os.close(self._file)

    def _info(self, name: str) -> zipfile.ZipInfo:
        if name not in self._zip.NameToInfo:
            raise DataError(f"{self.path}: found no {name!r} in the zip file{nearest(name, self.names)}")
        return self._zip.getinfo(name)

    def _start(self, info: zipfile.ZipInfo) -> int:
        header = os.pread(self._file, _LOCAL_HEADER.size, info.header_offset)
        return info.header_offset + _LOCAL_HEADER.size + sum(_LOCAL_HEADER.unpack(header))


class FolderArchive:
    """
    A folder with the files that a zip file would have, for quick tests.

    :param path: the folder `NAME`, with the index `NAME.txt` beside it
    """

    def __init__(self, path: str) -> None:
        folder, self._name = os.path.split(path)
        self.path = folder or "."

    @cached_property
    def names(self) -> Collection[str]:
        files = (Path(self.path) / self._name).rglob("*")
        return {f"{self._name}.txt", *(str(file.relative_to(self.path)) for file in files if file.is_file())}

    def read(self, name: str) -> bytes:
        with self.open(name) as file:
            return file.read()

    def open(self, name: str) -> BinaryIO:
        try:
            return open(f"{self.path}/{name}", "rb")
        except OSError as error:
            raise DataError(f"{self.path}/{name}: cannot be read: {error}") from error

    def fingerprint(self) -> str:
        sizes = [f"{name}\0{os.stat(f'{self.path}/{name}').st_size}\n" for name in sorted(self.names)]
        return hashlib.sha256("".join(sizes).encode()).hexdigest()

    def close(self) -> None:
        pass


class _Part(io.RawIOBase):
    """A part of a file, read by position."""

    def __init__(self, file: int, start: int, size: int) -> None:
        self._file, self._start, self._size, self._position = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        return self._position

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        size = max(0, min(len(buffer), self._size - self._position))
        content = os.pread(self._file, size, self._start + self._position)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
