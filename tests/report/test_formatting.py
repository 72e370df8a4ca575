"""Formats of numbers for people."""

import pytest

from boulder.report import formatting


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (846, "846"), (1000, "1.00 k"), (12_345, "12.3 k"), (999_499, "999 k"), (999_600, "1.00 M"),
     (99_960, "100 k"), (1_124_904, "1.12 M"), (3_200_000_000, "3.20 G"), (None, "–")],
)  # fmt: skip
def test_magnitudes(number, text):
    assert formatting.magnitude(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"), (245, "4 min 05 s"), (3599.6, "1 h 00 min"),
     (3780, "1 h 03 min"), (86_399, "1 d 00 h"), (187_200, "2 d 04 h"), (None, "–"), (float("nan"), "–")],
)  # fmt: skip
def test_durations(seconds, text):
    assert formatting.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5000"), (12.3456, "12.35"), (1234.5, "1234"), (0.0, "0.000"), (None, "–"), (float("inf"), "–")],
)
def test_scores(value, text):
    assert formatting.score(value) == text


def test_percentages_epochs_and_options():
    assert formatting.percent(0.0972) == "9.7 %"
    assert (formatting.epochs(3, 3), formatting.epochs(3, 7)) == ("3", "3–7")
    assert formatting.plain({"a": [1, None]}) == '{"a": [1, null]}'
    assert formatting.learning_rate(3.1623e-05) == "3.16e-05"


@pytest.mark.parametrize(("value", "text"), [(1.05, "1.05"), (19.14, "19.1"), (99.96, "100"), (4771.7, "4,772")])
def test_factors_have_no_exponent(value, text):
    assert formatting.factor(value) == text


def test_long_lists_of_names_are_truncated():
    assert formatting.some(list("abc")) == "a, b, c"
    assert formatting.some(list("abcd"), 3) == "a, b, c, d"
    assert formatting.some(list("abcde"), 3) == "a, b, c and 2 more"
