"""Transcript files: UTF-8 text, one line `audio file<TAB>text` per recording. The file's name without its ending is the tag."""

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from boulder.atomic_file import write_text
from boulder.errors import DataError


def write_transcripts(path: str | os.PathLike[str], transcripts: Mapping[str, str]) -> None:
    """
    Writes a transcript file atomically.

    :param transcripts: audio file, relative to a folder → text
    :raises DataError: for an entry that `read_transcripts` would refuse
    """
    lines = [f"{audio}\t{text}" for audio, text in transcripts.items()]
    _parse(lines, str(path))
    write_text(path, "".join(f"{line}\n" for line in lines))


def read_transcripts(path: str | os.PathLike[str]) -> dict[str, str]:
    """
    :return: audio file, relative to a folder → text, in the order of the file
    :raises DataError: for a file that is missing, empty or no transcript file, and for a recording with two texts; the message
        names the line
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"transcripts {path} cannot be read: {error}") from error
    transcripts = _parse(text.split("\n"), str(path))
    if not transcripts:
        raise DataError(f"transcripts {path}: found no recordings, expected lines of the form audio file<TAB>text")
    return transcripts


def tag_of(audio: str) -> str:
    """:return: tag of the sequence of an audio file: its path without the ending"""
    return str(PurePosixPath(audio).with_suffix(""))


def _parse(lines: list[str], where: str) -> dict[str, str]:
    transcripts: dict[str, str] = {}
    tags: dict[str, int] = {}
    for number, line in enumerate((line.removesuffix("\r") for line in lines), start=1):
        if not line.strip():
            continue
        audio, tab, text = line.partition("\t")
        if not tab or not audio.strip() or "\t" in text or "\n" in line:
            raise DataError(f"transcripts {where}, line {number}: found {line!r:.60}, expected audio file<TAB>text")
        tag = tag_of(audio)
        if tag in tags:
            raise DataError(f"transcripts {where}, line {number}: {tag!r} is the tag of line {tags[tag]} too")
        tags[tag] = number
        transcripts[audio] = text
    return transcripts
