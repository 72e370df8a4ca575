"""Lexica of any words and phonemes: Bliss files, and text files with a word and its phonemes in each line."""

import os
from pathlib import Path
from xml.etree import ElementTree

from boulder.errors import DataError
from boulder.file_content import read_content
from boulder.lexicon.lexicon import Pronunciation


def lexicon_entries(path: str | os.PathLike[str]) -> list[tuple[str, Pronunciation]]:
    """
    :param path: lexicon, perhaps gzipped: a Bliss file (`.xml`, `.xml.gz`), or a text file with a word and its phonemes in each
        line; lines that begin with `;;;` are comments
    :return: (word, phonemes) of each pronunciation, in the order of the file
    :raises DataError: for a file that is missing or no lexicon
    """
    entries = _of_bliss(path) if ".xml" in Path(path).suffixes else _of_text(path)
    if not entries:
        raise DataError(f"{path}: found no pronunciations, expected at least one")
    return entries


def _of_bliss(path: str | os.PathLike[str]) -> list[tuple[str, Pronunciation]]:
    try:
        root = ElementTree.fromstring(read_content(path))
    except ElementTree.ParseError as error:
        raise DataError(f"{path}: is no XML: {error}") from error
    if root.tag != "lexicon":
        raise DataError(f"{path}: found a <{root.tag}>, expected a <lexicon>")
    entries = []
    for lemma in root.findall("lemma"):
        words = [" ".join((orth.text or "").split()) for orth in lemma.findall("orth")]
        pronunciations = [tuple((phon.text or "").split()) for phon in lemma.findall("phon")]
        entries += [(word, phonemes) for word in words if word for phonemes in pronunciations if phonemes]
    return entries


def _of_text(path: str | os.PathLike[str]) -> list[tuple[str, Pronunciation]]:
    entries = []
    for number, line in enumerate(read_content(path).decode("utf8", errors="replace").splitlines(), start=1):
        fields = line.split()
        if not fields or line.startswith(";;;"):
            continue
        if len(fields) < 2:
            raise DataError(f"{path}, line {number}: found {line!r:.60}, expected a word and its phonemes")
        entries.append((fields[0], tuple(fields[1:])))
    return entries
