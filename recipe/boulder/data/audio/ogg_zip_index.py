"""The index of an Ogg zip file: `NAME.txt`, a list of dicts `{"text": …, "duration": …, "file": …}` written as in Python."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from boulder.data.audio.archive import Archive
from boulder.errors import DataError

_TEXTS = ("tags", "texts", "files")


@dataclass(frozen=True)
class OggZipIndex:
    """
    N sequences.

    :param tags: names
    :param texts: transcripts
    :param files: names of audio files in their archive; "" without audio
    :param durations: float64 [N], in seconds; they decide the order
    :param archives: int32 [N], the number of the archive of each sequence
    """

    tags: Sequence[str]
    texts: Sequence[str]
    files: Sequence[str]
    durations: np.ndarray
    archives: np.ndarray

    def subset(self, indices: Sequence[int] | np.ndarray) -> OggZipIndex:
        """:return: these sequences, in this order"""
        tags, texts, files = ([column[i] for i in indices] for column in (self.tags, self.texts, self.files))
        return OggZipIndex(tags, texts, files, self.durations[indices], self.archives[indices])

    @classmethod
    def joined(cls, parts: Sequence[OggZipIndex]) -> OggZipIndex:
        """:param parts: the indices of one archive each"""
        tags, texts, files = ([value for part in parts for value in getattr(part, name)] for name in _TEXTS)
        archives = np.repeat(np.arange(len(parts), dtype="int32"), [len(part.tags) for part in parts])
        return cls(tags, texts, files, np.concatenate([part.durations for part in parts]), archives)

    @classmethod
    def parse(cls, content: bytes, where: str, needs_audio: bool) -> OggZipIndex:
        """
        :param content: of the file
        :param where: the file, for messages
        :param needs_audio: whether each sequence must have an audio file
        :raises DataError: for content of another form
        """
        tags, texts, files, durations = [], [], [], []
        for number, entry in enumerate(_entries(content, where), 1):
            text, duration = (
                _field(entry, "text", str, number, where),
                _field(entry, "duration", int | float, number, where),
            )
            file = _field(entry, "file", str, number, where) if needs_audio else str(entry.get("file", ""))
            tag = entry.get("seq_name", file)
            if not isinstance(tag, str) or not tag:
                raise DataError(f"{where}: entry {number}: found neither 'file' nor 'seq_name', expected one of them")
            tags.append(tag)
            texts.append(text)
            files.append(file)
            durations.append(float(duration))
        return cls(tags, texts, files, np.array(durations), np.zeros(len(tags), "int32"))


def read_index(archive: Archive, name: str) -> tuple[bytes, str]:
    """
    :param name: of the data set within the archive
    :return: content of its index, and where it was found, for messages
    :raises DataError: if there is none; names files that may be meant
    """
    file = f"{name}.txt"
    if file not in archive.names:
        others = [other for other in archive.names if other.endswith(".txt") and "/" not in other]
        hint = f"; found {', '.join(others[:3])}, so set content_name to {others[0][:-4]!r}" if others else ""
        raise DataError(
            f"{archive.path}: found no index {file!r} in it, expected one with a dict for each sequence{hint}"
        )
    return archive.read(file), f"{archive.path}: {file}"


def _field(entry: dict, name: str, kind: Any, number: int, where: str) -> Any:
    value = entry.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        found = repr(value) if name in entry else f"no {name!r}"
        expected = "a number of seconds" if name == "duration" else "a text"
        raise DataError(f"{where}: entry {number}: {name}: found {found:.60}, expected {expected}")
    return value


def _entries(content: bytes, where: str) -> Iterator[dict]:
    try:
        text = content.decode("utf8").strip()
        entries = _line_by_line(text)
        if entries is None:
            entries = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        told = " ".join(str(error).split()).partition(": <ast.")[0]  # after that, only the name of a class
        raise DataError(f"{where}: cannot be read as a list of dicts: {told}") from error
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{where}: found {entries!r:.60}, expected a list of dicts, one for each sequence")
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise DataError(f"{where}: entry {number}: found {entry!r:.60}, expected a dict")
        yield entry


def _line_by_line(text: str) -> list[dict] | None:
    """:return: the entries, if each line has one, which is how these files are written and needs far less memory"""
    if not (text.startswith("[") and text.endswith("]")):
        return None
    entries: list[dict] = []
    for line in text[1:-1].splitlines():
        line = line.strip().removesuffix(",").rstrip()
        if not line:
            continue
        if not (line.startswith("{") and line.endswith("}")):
            return None
        try:
            entry = ast.literal_eval(line)
        except (ValueError, SyntaxError):
            return None
        entries += entry if isinstance(entry, tuple) else [entry]
    return entries
