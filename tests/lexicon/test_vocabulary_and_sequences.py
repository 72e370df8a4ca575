"""Encoding of words and pronunciations, and training sequences."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import ConfigError, DataError
from boulder.lexicon import (
    LETTERS,
    PHONEMES,
    decode_phonemes,
    decode_word,
    encode_phonemes,
    encode_word,
    fits_ctc,
    labelled_sequences,
)


def test_vocabularies_are_sorted_and_have_known_sizes():
    assert (len(LETTERS), len(PHONEMES)) == (27, 39)
    assert list(LETTERS) == sorted(set(LETTERS))
    assert list(PHONEMES) == sorted(set(PHONEMES))


@given(st.text(LETTERS, max_size=10), st.lists(st.sampled_from(PHONEMES), max_size=10))
def test_decoding_inverts_encoding(word, phonemes):
    assert decode_word(encode_word(word)) == word
    assert decode_phonemes(encode_phonemes(phonemes)) == phonemes
    assert encode_word(word).dtype == encode_phonemes(phonemes).dtype == np.int32


def test_decoding_refuses_indices_out_of_range():
    with pytest.raises(DataError, match="phoneme index 39 is not in 0 to 38"):
        decode_phonemes([0, 39])
    with pytest.raises(DataError, match="letter index -1"):
        decode_word([-1])


def test_each_pronunciation_is_a_sequence_with_its_own_tag():
    sequences = list(labelled_sequences({"a": [("AH",), ("EY",)], "bee": [("B", "IY")]}))
    assert [sequence.tag for sequence in sequences] == ["a/1", "a/2", "bee/1"]
    assert decode_word(sequences[2].letters) == "bee"
    assert [decode_phonemes(sequence.phonemes) for sequence in sequences] == [["AH"], ["EY"], ["B", "IY"]]


def test_skipping_a_pronunciation_does_not_rename_the_others():
    lexicon = {"wm": [("D", "AH", "B", "AH", "Y", "UW"), ("W", "IH", "L", "M")]}
    assert [sequence.tag for sequence in labelled_sequences(lexicon, frames_per_letter=2)] == ["wm/2"]


@pytest.mark.parametrize(
    ("word", "pronunciation", "frames", "fits"),
    [("ab", "K T", 1, True), ("ab", "K K", 1, False), ("a", "K T", 1, False), ("ab", "K K T", 2, True), ("a", "K K", 2, False)],
)  # fmt: skip
def test_ctc_needs_a_frame_per_phoneme_and_a_blank_between_equal_ones(word, pronunciation, frames, fits):
    assert fits_ctc(word, pronunciation.split(), frames) is fits


def test_0_frames_per_letter_are_refused():
    with pytest.raises(ConfigError, match="frames per letter: 0"):
        fits_ctc("a", ["AH"], 0)
