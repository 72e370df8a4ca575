"""Letters and phonemes as numbers. Both vocabularies are sorted and fixed: checkpoints depend on the order."""

import string
from collections.abc import Iterable, Sequence

import numpy as np

from boulder.errors import DataError, nearest

LETTERS: tuple[str, ...] = ("'", *string.ascii_lowercase)
"""27: the apostrophe and a to z"""

PHONEMES: tuple[str, ...] = (
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY",
    "F", "G", "HH", "IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY",
    "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
"""39: those of CMUdict without the digit for stress"""

_LETTER_INDEX = {letter: index for index, letter in enumerate(LETTERS)}
_PHONEME_INDEX = {phoneme: index for index, phoneme in enumerate(PHONEMES)}


def check_word(word: str) -> None:
    """:raises DataError: a letter that LETTERS lacks"""
    for letter in word:
        if letter not in _LETTER_INDEX:
            raise DataError(f"word {word!r}: {letter!r} is not a letter of a to z or the apostrophe")


def check_phonemes(phonemes: Sequence[str]) -> None:
    """:raises DataError: a phoneme that PHONEMES lacks"""
    for phoneme in phonemes:
        if phoneme not in _PHONEME_INDEX:
            hint = nearest(phoneme, PHONEMES) or "; known are " + " ".join(PHONEMES)
            raise DataError(f"pronunciation {' '.join(phonemes)!r}: unknown phoneme {phoneme!r}{hint}")


def encode_word(word: str) -> np.ndarray:
    """
    :return: [letters] int32, indices into LETTERS
    :raises DataError: a letter that LETTERS lacks
    """
    check_word(word)
    return np.array([_LETTER_INDEX[letter] for letter in word], dtype=np.int32)


def encode_phonemes(phonemes: Iterable[str]) -> np.ndarray:
    """
    :return: [phonemes] int32, indices into PHONEMES; a network's CTC blank comes after them, at len(PHONEMES)
    :raises DataError: a phoneme that PHONEMES lacks
    """
    phonemes = list(phonemes)
    check_phonemes(phonemes)
    return np.array([_PHONEME_INDEX[phoneme] for phoneme in phonemes], dtype=np.int32)


def decode_word(indices: Iterable[int]) -> str:
    """
    :return: the word of these indices into LETTERS
    :raises DataError: an index out of range
    """
    return "".join(_look_up(indices, LETTERS, "letter"))


def decode_phonemes(indices: Iterable[int]) -> list[str]:
    """
    :return: the names of these indices into PHONEMES
    :raises DataError: an index out of range, e.g. the blank
    """
    return _look_up(indices, PHONEMES, "phoneme")


def _look_up(indices: Iterable[int], vocabulary: tuple[str, ...], what: str) -> list[str]:
    names = []
    for index in indices:
        if not 0 <= index < len(vocabulary):
            raise DataError(f"{what} index {index} is not in 0 to {len(vocabulary) - 1}")
        names.append(vocabulary[index])
    return names
