"""A lexicon as sequences to train on: which pronunciations of a word become sequences, and what CTC can align."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from boulder.errors import ConfigError
from boulder.lexicon.lexicon import Lexicon
from boulder.lexicon.vocabulary import encode_phonemes, encode_word


@dataclass(frozen=True, eq=False)
class LabelledWord:
    """One word with one of its pronunciations, as a data set holds it."""

    tag: str
    letters: np.ndarray  # [letters] int32, indices into LETTERS
    phonemes: np.ndarray  # [phonemes] int32, indices into PHONEMES


def labelled_sequences(lexicon: Lexicon, frames_per_letter: int | None = None) -> Iterator[LabelledWord]:
    """
    For train and dev alike: one sequence per pronunciation, tagged `word/1`, `word/2`, … in sorted order. In training
    every variant is a right answer that the network should give probability to. In dev too, because the cost is then
    measured on the distribution that training minimises it on, so the two curves compare; one variant alone would be
    an arbitrary choice (sorted order says nothing about which is common). Search on the test words does not go through
    this: a word is decoded once, under its own name, and scored against all its pronunciations (boulder.search.score).

    :param frames_per_letter: leave out what CTC cannot align with that many frames per letter (:func:`fits_ctc`), as
        its cost is infinite; None: leave nothing out
    """
    for word, pronunciations in lexicon.items():
        letters = encode_word(word)
        for variant, pronunciation in enumerate(pronunciations, start=1):
            if frames_per_letter is None or fits_ctc(word, pronunciation, frames_per_letter):
                yield LabelledWord(f"{word}/{variant}", letters, encode_phonemes(pronunciation))


def fits_ctc(word: str, pronunciation: Sequence[str], frames_per_letter: int) -> bool:
    """
    :param frames_per_letter: how often the network repeats each letter in time, at least 1
    :return: whether CTC has an alignment: a frame per phoneme, and a blank between two equal ones
    :raises ConfigError: frames_per_letter is no positive int
    """
    if not isinstance(frames_per_letter, int) or frames_per_letter < 1:
        raise ConfigError(f"frames per letter: {frames_per_letter!r}, expected an int from 1")
    blanks = sum(left == right for left, right in pairwise(pronunciation))
    return len(pronunciation) + blanks <= frames_per_letter * len(word)
