"""A lexicon as a file: UTF-8 text, one line `word<TAB>phonemes with a space between` per pronunciation, `.gz` or not."""

import gzip
import os
import tempfile
import zlib
from pathlib import Path

from boulder.errors import DataError
from boulder.lexicon.lexicon import Lexicon, build
from boulder.lexicon.vocabulary import check_phonemes, check_word


def write_lexicon(path: str | os.PathLike, lexicon: Lexicon) -> None:
    """
    :param path: is compressed if it ends in `.gz`. Equal lexica give equal bytes. Appears complete or not at all.
    :raises DataError: a word without pronunciation, or one that `read_lexicon` would refuse
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
        content = gzip.compress(content, mtime=0)  # the time of writing would make equal lexica differ
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)  # others read the results of a job; a temporary file is closed to them
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def read_lexicon(path: str | os.PathLike) -> Lexicon:
    """
    :return: the lexicon; lines may be in any order
    :raises DataError: a file that is missing, broken, empty or no lexicon; names the line
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
        line = content[: error.start].count(b"\n") + 1
        raise DataError(f"lexicon {path}, line {line}: not UTF-8 text") from error
    entries = []
    first_line: dict[tuple, int] = {}
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], start=1):
        try:
            entry = _parse(line)
        except DataError as error:
            raise DataError(f"lexicon {path}, line {number}: {error}") from error
        if entry in first_line:
            raise DataError(f"lexicon {path}, line {number}: {entry[0]!r} stands like this in line {first_line[entry]}")
        first_line[entry] = number
        entries.append(entry)
    if not entries:
        raise DataError(f"lexicon {path} is empty")
    return build(entries)


def _parse(line: str) -> tuple[str, tuple[str, ...]]:
    """
    :param line: without its end
    :raises DataError: a line of another form, or of letters or phonemes that the vocabularies lack
    """
    fields = line.split("\t")
    if len(fields) != 2 or not fields[0] or not fields[1]:
        raise DataError(f"found {line!r}, expected word<TAB>phonemes with a space between")
    word, phonemes = fields[0], tuple(fields[1].split(" "))
    check_word(word)
    check_phonemes(phonemes)
    return word, phonemes
