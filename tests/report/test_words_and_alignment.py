"""Numbers read as a person writes them; an alignment shows exactly the edits that were counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from boulder.report import words
from boulder.report.alignment import align_pair

phonemes = st.lists(st.sampled_from(["AH", "B", "K"]), max_size=8)


@given(phonemes, phonemes)
def test_the_columns_spell_both_sequences_and_show_each_edit_once(reference, hypothesis):
    pairs = align_pair(reference, hypothesis)
    assert [pair.expected for pair in pairs if pair.expected] == reference
    assert [pair.found for pair in pairs if pair.found] == hypothesis
    assert sum(pair.kind != "equal" for pair in pairs) == Levenshtein.distance(reference, hypothesis)
    for pair in pairs:
        assert pair.kind == (
            "insert" if not pair.expected
            else "delete" if not pair.found
            else "equal" if pair.expected == pair.found
            else "substitute"
        )  # fmt: skip


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (846, "846"), (1000, "1.00 k"), (12_345, "12.3 k"), (999_499, "999 k"), (999_600, "1.00 M"),
     (99_960, "100 k"), (1_124_904, "1.12 M"), (3_200_000_000, "3.20 G"), (None, "–")],
)  # fmt: skip
def test_magnitudes(number, text):
    assert words.magnitude(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"), (245, "4 min 05 s"), (3599.6, "1 h 00 min"),
     (3780, "1 h 03 min"), (86_399, "1 d 00 h"), (187_200, "2 d 04 h"), (None, "–"), (float("nan"), "–")],
)  # fmt: skip
def test_durations(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5000"), (12.3456, "12.35"), (1234.5, "1234"), (0.0, "0.000"), (None, "–"), (float("inf"), "–")],
)
def test_scores(value, text):
    assert words.score(value) == text


def test_rates_epochs_and_options():
    assert words.percent(0.0972) == "9.7 %"
    assert (words.epochs(3, 3), words.epochs(3, 7)) == ("3", "3–7")
    assert words.plain({"a": [1, None]}) == '{"a": [1, null]}'
    assert words.learning_rate(3.1623e-05) == "3.16e-05"
