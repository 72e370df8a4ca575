"""Character errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from boulder.errors import DataError
from boulder.search.character_errors import character_errors

TEXTS = st.lists(st.tuples(st.text("ab ", min_size=1, max_size=8), st.text("ab ", max_size=8)), min_size=1, max_size=4)


@given(TEXTS)
def test_the_errors_are_the_edit_distance_and_their_parts_fit_the_lengths(pairs):
    references = {str(number): reference for number, (reference, _) in enumerate(pairs)}
    hypotheses = {str(number): hypothesis for number, (_, hypothesis) in enumerate(pairs)}
    errors = character_errors(references, hypotheses)
    assert errors.errors == sum(Levenshtein.distance(*pair) for pair in pairs)
    assert errors.words == sum(len(reference) for reference, _ in pairs)
    assert errors.insertions - errors.deletions == sum(
        len(hypothesis) - len(reference) for reference, hypothesis in pairs
    )
    assert errors.wrong_sequences == sum(reference != hypothesis for reference, hypothesis in pairs)


def test_nothing_decoded_is_100_percent():
    assert character_errors({"a": "abc", "b": "d"}, {"a": "", "b": ""}).wer == 1


def test_a_recording_without_hypothesis_is_an_error():
    with pytest.raises(DataError, match="no hypothesis for 'b'"):
        character_errors({"a": "x", "b": "y"}, {"a": "x"})
