"""Lexicon files: UTF-8 text, one line `word<TAB>space-separated phonemes` per pronunciation, optionally gzipped."""

import gzip
import os
import zlib
from pathlib import Path

from boulder.atomic_file import replaced
from boulder.errors import DataError
from boulder.lexicon.lexicon import Lexicon, Pronunciation, build
from boulder.lexicon.vocabulary import check_phonemes, check_word


def write_lexicon(path: str | os.PathLike, lexicon: Lexicon) -> None:
    """
    Writes a lexicon atomically. Equal lexica give equal bytes.

    :param path: the file is gzipped if the name ends in `.gz`
    :raises DataError: for a word without a pronunciation, or an entry that `read_lexicon` would refuse
    """
    path = Path(path)
    lines = []
    for word in sorted(lexicon):
        if not lexicon[word]:
            raise DataError(f"{path}: word {word!r} has no pronunciation")
        for phonemes in sorted(lexicon[word]):
            line = f"{word}\t{' '.join(phonemes)}"
            _parse(line)
            lines.append(f"{line}\n")
    content = "".join(lines).encode()
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)  # a time stamp would make equal lexica differ
    with replaced(path, durable=True) as temporary:
        temporary.write_bytes(content)


def read_lexicon(path: str | os.PathLike) -> Lexicon:
    """
    :param path: lexicon file, with its lines in any order
    :raises DataError: for a file that is missing, corrupt, empty or not a lexicon; the message names the line
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        text = content.decode("utf-8")
    except (OSError, EOFError, zlib.error) as error:  # gzip.BadGzipFile is an OSError
        raise DataError(f"lexicon {path} cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise DataError(f"lexicon {path}, line {number}: not UTF-8 text") from error
    entries = []
    first_line: dict[tuple[str, Pronunciation], int] = {}
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], start=1):
        try:
            entry = _parse(line)
        except DataError as error:
            raise DataError(f"lexicon {path}, line {number}: {error}") from error
        if entry in first_line:
            raise DataError(f"lexicon {path}, line {number}: {entry[0]!r} repeats line {first_line[entry]}")
        first_line[entry] = number
        entries.append(entry)
    if not entries:
        raise DataError(f"lexicon {path} is empty")
    return build(entries)


def _parse(line: str) -> tuple[str, Pronunciation]:
    """
    :param line: without the newline
    :return: word, phonemes
    :raises DataError: for a malformed line, or unknown letters or phonemes
    """
    fields = line.split("\t")
    if len(fields) != 2 or not fields[0] or not fields[1]:
        raise DataError(f"found {line!r}, expected word<TAB>space-separated phonemes")
    word, phonemes = fields[0], tuple(fields[1].split(" "))
    check_word(word)
    check_phonemes(phonemes)
    return word, phonemes
