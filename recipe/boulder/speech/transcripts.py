"""Transcript files: UTF-8 text, a line `name<TAB>text` per recording. The name is the tag, and the audio file without its ending."""

import os
from collections.abc import Mapping
from pathlib import Path

from boulder.atomic_file import write_text
from boulder.errors import DataError


def write_transcripts(path: str | os.PathLike[str], transcripts: Mapping[str, str]) -> None:
    """
    Writes a transcript file atomically.

    :param transcripts: name → text
    :raises DataError: for an entry that `read_transcripts` would refuse
    """
    lines = [f"{name}\t{text}" for name, text in transcripts.items()]
    _parse(lines, str(path))
    write_text(path, "".join(f"{line}\n" for line in lines))


def read_transcripts(path: str | os.PathLike[str]) -> dict[str, str]:
    """
    :return: name → text, in the order of the file
    :raises DataError: for a file that is missing, empty or no transcript file, and for a recording with two texts; the message
        names the line
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"transcripts {path} cannot be read: {error}") from error
    transcripts = _parse(text.split("\n"), str(path))
    if not transcripts:
        raise DataError(f"transcripts {path}: found no recordings, expected lines of the form name<TAB>text")
    return transcripts


def _parse(lines: list[str], where: str) -> dict[str, str]:
    transcripts: dict[str, str] = {}
    lines_of: dict[str, int] = {}
    for number, line in enumerate((line.removesuffix("\r") for line in lines), start=1):
        if not line.strip():
            continue
        name, tab, text = line.partition("\t")
        if not tab or not name.strip() or "\t" in text or "\n" in line:
            raise DataError(f"transcripts {where}, line {number}: found {line!r:.60}, expected name<TAB>text")
        if name in lines_of:
            raise DataError(f"transcripts {where}, line {number}: {name!r} is also in line {lines_of[name]}")
        lines_of[name] = number
        transcripts[name] = text
    return transcripts
