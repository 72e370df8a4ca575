"""`OggZipFiles`: the zip files of a data set, with their indices. Names and rules are RETURNN's."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from boulder.counted import counted
from boulder.data.audio.archive import Archive, FolderArchive, ZipArchive
from boulder.data.audio.ogg_zip_index import OggZipIndex, read_index
from boulder.errors import DataError, nearest
from boulder.file_content import read_content


class OggZipFiles:
    """Files are opened by the first access. The parameters are those of `OggZipDataset`."""

    def __init__(
        self,
        path: Sequence[str | os.PathLike[str]],
        content_name: str | Sequence[str] | None = None,
        resolve_symlink: bool = False,
        has_prefix: bool = True,
    ) -> None:
        """
        :raises DataError: for a path of another kind, or another number of names
        """
        self._paths = [os.fspath(one) for one in path]
        if not self._paths:
            raise DataError("path: found none, expected at least one zip file")
        count = len(self._paths)
        self._content_names = [content_name] * count if isinstance(content_name, str) else content_name
        if self._content_names is not None and len(self._content_names) != count:
            found = len(self._content_names)
            raise DataError(f"content_name: found {found} names, expected one for each of {count} paths")
        self._resolve_symlink = resolve_symlink
        self._has_prefix = has_prefix
        self._opened: list[Archive] = []

    def index(self, needs_audio: bool) -> OggZipIndex:
        """
        :param needs_audio: whether each sequence must have an audio file
        :return: the sequences of all zip files, one file after the other
        :raises DataError: if a file is missing or broken
        """
        parts = []
        for archive, (_, name) in zip(self._archives, self._zips, strict=True):
            where = self._indices.get(name)
            content, where = read_index(archive, name) if where is None else (read_content(where), where)
            parts.append(OggZipIndex.parse(content, where, needs_audio))
        return OggZipIndex.joined(parts)

    def check(self, index: OggZipIndex) -> None:
        """:raises DataError: if audio files are missing"""
        names = [archive.names for archive in self._archives]
        missing = [i for i, number in enumerate(index.archives) if self._file(index, i) not in names[number]]
        if not missing:
            return
        files = [self._file(index, i) for i in missing]
        named = ", ".join(map(repr, files[:3])) + (", …" if len(missing) > 3 else "")
        number = index.archives[missing[0]]
        others = [name for name in names[number] if not name.endswith(".txt")]
        hint = nearest(files[0], others)
        if self._has_prefix and index.files[missing[0]] in names[number]:
            hint = "; set zip_audio_files_have_name_as_prefix to False"
        elif others and "/" in others[0] and not others[0].startswith(f"{self._zips[number][1]}/"):
            hint = f"; found {others[0]!r}, so set content_name to {others[0].partition('/')[0]!r}"
        raise DataError(
            f"{self._zips[number][0]}: found no {named}; {len(missing)} of {counted(len(index.tags), 'sequence')} {'lacks its' if len(index.tags) == 1 else 'lack their'} file{hint}"
        )

    def read(self, index: OggZipIndex, number: int) -> bytes:
        """
        :param number: of a sequence
        :return: its audio file
        :raises DataError: if it is missing or damaged
        """
        return self._archives[index.archives[number]].read(self._file(index, number))

    def open(self, index: OggZipIndex, number: int) -> BinaryIO:
        """As `read`, but reads only what is used, where the zip file permits it."""
        return self._archives[index.archives[number]].open(self._file(index, number))

    def path_of(self, index: OggZipIndex, number: int) -> str:
        """:return: the path of the zip file of a sequence"""
        return self._zips[index.archives[number]][0]

    def fingerprint(self) -> str:
        """:return: changes with the content of any file in the zip files"""
        digest = hashlib.sha256("".join(archive.fingerprint() for archive in self._archives).encode())
        for path in self._indices.values():
            digest.update(Path(path).read_bytes())
        return digest.hexdigest()

    def close(self) -> None:
        while self._opened:
            self._opened.pop().close()
        self.__dict__.pop("_archives", None)

    @property
    def _is_folder(self) -> bool:
        path = self._paths[0]
        return len(self._paths) == 1 and os.path.isdir(path) and os.path.isfile(f"{path}.txt")

    @cached_property
    def _named(self) -> list[tuple[str, str]]:
        """(path, name of the data set)"""
        if self._is_folder:
            return [(self._paths[0], os.path.basename(self._paths[0]))]
        found = []
        for number, path in enumerate(self._paths):
            base = os.path.basename(os.path.realpath(path) if self._resolve_symlink else path)
            suffix = next((suffix for suffix in (".txt.gz", ".zip") if base.endswith(suffix)), None)
            if suffix is None:
                raise DataError(f"{path}: found a file of this name, expected NAME.zip, or NAME.txt.gz with its index")
            found.append((path, self._content_names[number] if self._content_names else base.removesuffix(suffix)))
        if all(path.endswith(".txt.gz") for path, _ in found):
            raise DataError(f"{', '.join(self._paths)}: found no zip file, expected one for the index")
        return found

    @cached_property
    def _zips(self) -> list[tuple[str, str]]:
        return [(path, name) for path, name in self._named if not path.endswith(".txt.gz")]

    @property
    def _indices(self) -> dict[str, str]:
        """name → path of an index beside the zip file"""
        return {name: path for path, name in self._named if path.endswith(".txt.gz")}

    @cached_property
    def _archives(self) -> list[Archive]:
        try:
            for path, _ in self._zips:
                self._opened.append(FolderArchive(path) if self._is_folder else ZipArchive(path))
        except BaseException:
            self.close()
            raise
        return list(self._opened)

    def _file(self, index: OggZipIndex, number: int) -> str:
        file = index.files[number]
        return f"{self._zips[index.archives[number]][1]}/{file}" if self._has_prefix else file
