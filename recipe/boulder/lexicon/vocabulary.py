"""Letters and phonemes as indices. Both vocabularies are sorted and fixed, since checkpoints depend on their order."""

import string
from collections.abc import Iterable, Sequence

import numpy as np

from boulder.errors import DataError, nearest

LETTERS: tuple[str, ...] = ("'", *string.ascii_lowercase)
"""The apostrophe and a to z: 27 letters."""

PHONEMES: tuple[str, ...] = (
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY",
    "F", "G", "HH", "IH", "IY", "JH", "K", "L", "M", "N", "NG", "OW", "OY",
    "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
"""The 39 phonemes of CMUdict, without the stress digit."""

_LETTER_INDEX = {letter: index for index, letter in enumerate(LETTERS)}
_PHONEME_INDEX = {phoneme: index for index, phoneme in enumerate(PHONEMES)}


def check_word(word: str) -> None:
    """:raises DataError: for a letter that is not in LETTERS"""
    for letter in word:
        if letter not in _LETTER_INDEX:
            raise DataError(f"word {word!r}: {letter!r} is not a letter from a to z or an apostrophe")


def check_phonemes(phonemes: Sequence[str]) -> None:
    """:raises DataError: for a phoneme that is not in PHONEMES"""
    for phoneme in phonemes:
        if phoneme not in _PHONEME_INDEX:
            hint = nearest(phoneme, PHONEMES) or "; expected one of " + " ".join(PHONEMES)
            raise DataError(f"pronunciation {' '.join(phonemes)!r}: unknown phoneme {phoneme!r}{hint}")


def encode_word(word: str) -> np.ndarray:
    """
    :return: [letters] int32, indices into LETTERS
    :raises DataError: for a letter that is not in LETTERS
    """
    check_word(word)
    return np.array([_LETTER_INDEX[letter] for letter in word], dtype=np.int32)


def encode_phonemes(phonemes: Iterable[str]) -> np.ndarray:
    """
    :return: [phonemes] int32, indices into PHONEMES; the CTC blank of a network is the index len(PHONEMES)
    :raises DataError: for a phoneme that is not in PHONEMES
    """
    phonemes = list(phonemes)
    check_phonemes(phonemes)
    return np.array([_PHONEME_INDEX[phoneme] for phoneme in phonemes], dtype=np.int32)


def decode_word(indices: Iterable[int]) -> str:
    """
    :param indices: indices into LETTERS
    :raises DataError: for an index out of range
    """
    return "".join(_look_up(indices, LETTERS, "letter"))


def decode_phonemes(indices: Iterable[int]) -> list[str]:
    """
    :param indices: indices into PHONEMES
    :raises DataError: for an index out of range, such as the blank
    """
    return _look_up(indices, PHONEMES, "phoneme")


def _look_up(indices: Iterable[int], vocabulary: tuple[str, ...], what: str) -> list[str]:
    names = []
    for index in indices:
        if not 0 <= index < len(vocabulary):
            raise DataError(f"{what} index {index} is not in 0 to {len(vocabulary) - 1}")
        names.append(vocabulary[index])
    return names
