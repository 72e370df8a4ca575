"""Segments of a Bliss corpus, an XML file of RASR, and words of the pronunciations of a lexicon."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from xml.etree import ElementTree

from boulder.errors import DataError
from boulder.file_content import read_content
from boulder.lexicon import lexicon_entries


@dataclass(frozen=True)
class Segment:
    """
    :param recording: name of the audio file
    :param start: in s
    :param end: in s
    :param words: reference, separated by blanks
    """

    recording: str
    start: float
    end: float
    speaker: str
    words: str
    channel: str = "1"


def read_corpus(path: str | os.PathLike[str]) -> dict[str, Segment]:
    """
    :param path: Bliss corpus, perhaps gzipped
    :return: tag `CORPUS/RECORDING/SEGMENT` → segment
    :raises DataError: for a file that is missing or no corpus, or a segment without end
    """
    root = _parsed(path, "corpus")
    result: dict[str, Segment] = {}

    def visit(element: ElementTree.Element, prefix: str) -> None:
        name = prefix + element.get("name", "")
        for number, recording in enumerate(element.findall("recording"), start=1):
            recording_name = recording.get("name", str(number))
            for count, segment in enumerate(recording.findall("segment"), start=1):
                tag = f"{name}/{recording_name}/{segment.get('name', str(count))}"
                start, end = (float(segment.get(key, default)) for key, default in (("start", "0"), ("end", "inf")))
                if not start < end < math.inf:
                    raise DataError(f"{path}: segment {tag!r}: found start {start} and end {end}, expected start < end")
                speaker = segment.find("speaker")
                result[tag] = Segment(
                    recording=recording_name,
                    start=start,
                    end=end,
                    speaker=speaker.get("name", "unknown") if speaker is not None else "unknown",
                    words=" ".join((segment.findtext("orth") or "").split()),
                    channel=str(int(segment.get("track", "0")) + 1),
                )
        for inner in element.findall("subcorpus"):
            visit(inner, f"{name}/")

    try:
        visit(root, "")
    except ValueError as error:
        raise DataError(f"{path}: cannot be read as a corpus: {error}") from error
    if not result:
        raise DataError(f"{path}: found no segments, expected at least one")
    return result


def read_pronunciations(path: str | os.PathLike[str]) -> dict[tuple[str, ...], str]:
    """
    :param path: see `boulder.lexicon.lexicon_entries`
    :return: phonemes → word; of several words with this pronunciation, the first one in the file
    :raises DataError: for a file that is missing or no lexicon
    """
    result: dict[tuple[str, ...], str] = {}
    for word, phonemes in lexicon_entries(path):
        result.setdefault(phonemes, word)
    return result


def _parsed(path: str | os.PathLike[str], tag: str) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(read_content(path))
    except ElementTree.ParseError as error:
        raise DataError(f"{path}: is no XML: {error}") from error
    if root.tag != tag:
        raise DataError(f"{path}: found a <{root.tag}>, expected a <{tag}>")
    return root
