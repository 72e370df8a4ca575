"""
Files for NIST's sclite, and its result.

    trn   the cat (seq-1)                             a line for each sequence
    ctm   recording 1 0.000 0.500 the                 a line for each word: recording, channel, start, duration
    stm   recording 1 speaker 0.000 1.000 the cat     a line for each segment
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from boulder.atomic_file import write_text
from boulder.errors import DataError
from boulder.search.corpus import Segment
from boulder.search.word_errors import WordErrors

Words = Mapping[str, Sequence[str]]
"""Tag of a sequence → words."""

_SUM = re.compile(r"\|\s*Sum\s*\|\s*(\d+)\s+(\d+)\s*\|\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\|")


def write_trn(path: str | os.PathLike[str], words: Words) -> None:
    """:raises DataError: for a word or tag to which sclite gives a meaning of its own"""
    _check(path, words)
    write_text(path, "".join(f"{' '.join(words[tag])} ({tag})\n" for tag in words))


def write_ctm(path: str | os.PathLike[str], words: Words, segments: Mapping[str, Segment]) -> None:
    """
    Distributes the words of a segment evenly over its time.

    :raises DataError: as `write_trn`, and for a tag that `segments` lacks
    """
    _check(path, words)
    lines = []
    for tag, segment in _in_order(path, words, segments):
        of_segment = words[tag] or ("@",)  # a word that sclite does not count, so that each segment occurs
        length = (segment.end - segment.start) / len(of_segment)
        for number, word in enumerate(of_segment):
            start = segment.start + number * length
            lines.append(f"{segment.recording} {segment.channel} {start:.3f} {length:.3f} {word}\n")
    write_text(path, "".join(lines))


def write_stm(path: str | os.PathLike[str], words: Words, segments: Mapping[str, Segment]) -> None:
    """:raises DataError: as `write_ctm`"""
    _check(path, words)
    lines = [
        f"{s.recording} {s.channel} {s.speaker} {s.start:.3f} {s.end:.3f} {' '.join(words[tag])}\n"
        for tag, s in _in_order(path, words, segments)
    ]
    write_text(path, "".join(lines))


def segments_of_tags(words: Words) -> dict[str, Segment]:
    """:return: segments where none are known: each sequence is a recording of 1 s"""
    return {tag: Segment(recording=tag, start=0.0, end=1.0, speaker="unknown", words="") for tag in words}


def sclite_command() -> list[str] | None:
    """:return: the command, of NIST's installation or of Debian's package sctk; None if there is none"""
    if shutil.which("sclite"):
        return ["sclite"]
    return ["sctk", "sclite"] if shutil.which("sctk") else None


def run_sclite(command: Sequence[str], references: Path, hypotheses: Path, folder: Path) -> WordErrors:
    """
    :param command: see `sclite_command`
    :param references: trn file
    :param hypotheses: trn file
    :param folder: for sclite's reports, `sclite.sys`, `sclite.pra`, `sclite.dtl` and `sclite.raw`
    :return: the sums over all sequences; words are compared as they are, capital letters included
    :raises DataError: if sclite fails
    """
    options = ["-r", references, "trn", "-h", hypotheses, "trn", "-i", "spu_id", "-s", "-e", "utf-8"]
    reports = ["-o", "sum", "rsum", "pralign", "dtl", "-O", folder, "-n", "sclite"]
    done = subprocess.run([*command, *map(str, options + reports)], capture_output=True, text=True, check=False)
    raw = folder / "sclite.raw"
    found = _SUM.search(raw.read_text(errors="replace")) if raw.exists() else None
    if done.returncode or found is None:
        said = " ".join((done.stderr or done.stdout).split())[-300:]
        raise DataError(f"{hypotheses}: sclite has failed with exit code {done.returncode}: {said}")
    sequences, words, _, substitutions, deletions, insertions, _, wrong = map(int, found.groups())
    return WordErrors(words, substitutions, deletions, insertions, sequences, wrong)


def _in_order(
    path: str | os.PathLike[str], words: Words, segments: Mapping[str, Segment]
) -> Iterator[tuple[str, Segment]]:
    """:return: tags with their segments, as sclite needs them: by recording, channel and time"""
    for tag in words:
        if tag not in segments:
            raise DataError(f"{path}: found no segment {tag!r}, expected one for each sequence")
    yield from sorted(
        ((tag, segments[tag]) for tag in words), key=lambda item: (item[1].recording, item[1].channel, item[1].start)
    )


def _check(path: str | os.PathLike[str], words: Words) -> None:
    for tag, of_tag in words.items():
        if not tag or any(character.isspace() or character in "()" for character in tag):
            raise DataError(f"{path}: found the tag {tag!r}, expected one without blanks and parentheses")
        for word in of_tag:
            if word == "@" or word.startswith(";;") or any(mark in word for mark in "{}()"):
                raise DataError(
                    f"{path}: {tag!r}: found the word {word!r}, which has a meaning of its own for sclite; "
                    "remove it with 'remove', or replace it"
                )
