"""Training sequences from a lexicon, and which of them CTC can align."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from boulder.errors import ConfigError
from boulder.lexicon.lexicon import Lexicon
from boulder.lexicon.vocabulary import encode_phonemes, encode_word


@dataclass(frozen=True, eq=False)
class LabelledWord:
    """A word with one of its pronunciations, as a sequence of a data set."""

    tag: str
    letters: np.ndarray  # [letters] int32, indices into LETTERS
    phonemes: np.ndarray  # [phonemes] int32, indices into PHONEMES


def labelled_sequences(lexicon: Lexicon, frames_per_letter: int | None = None) -> Iterator[LabelledWord]:
    """
    Yields one sequence per pronunciation, tagged `word/1`, `word/2`, … in sorted order.

    In training, every pronunciation is a correct answer to which the network should assign probability. The same sequences
    serve as dev data, so that both costs are measured on the same distribution and their curves can be compared. (A single
    pronunciation per word would be an arbitrary choice: the sorted order says nothing about frequency.) Search does not
    use these sequences: a test word is decoded once, under its own name, and scored against all its pronunciations
    (`boulder.search.score`).

    :param frames_per_letter: skip pronunciations that CTC cannot align with this number of frames per letter, since their
        cost is infinite (:func:`fits_ctc`); None: skip nothing
    """
    for word, pronunciations in lexicon.items():
        letters = encode_word(word)
        for variant, pronunciation in enumerate(pronunciations, start=1):
            if frames_per_letter is None or fits_ctc(word, pronunciation, frames_per_letter):
                yield LabelledWord(f"{word}/{variant}", letters, encode_phonemes(pronunciation))


def fits_ctc(word: str, pronunciation: Sequence[str], frames_per_letter: int) -> bool:
    """
    :param frames_per_letter: number of output frames of the network per letter, at least 1
    :return: whether CTC has an alignment, which needs a frame per phoneme and a blank between equal phonemes
    :raises ConfigError: if `frames_per_letter` is not a positive int
    """
    if not isinstance(frames_per_letter, int) or frames_per_letter < 1:
        raise ConfigError(f"frames per letter: {frames_per_letter!r}, expected an int of at least 1")
    blanks = sum(left == right for left, right in pairwise(pronunciation))
    return len(pronunciation) + blanks <= frames_per_letter * len(word)
