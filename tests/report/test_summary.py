"""What is named first, and in which order scores stand."""

import math

import pytest

from boulder.report import ScoreRow, words
from boulder.report.summary import best, main_score, score_keys


def rows(*dev, train=None):
    return [ScoreRow(number, 0, dev=values, train=train or {}) for number, values in enumerate(dev, start=1)]


def test_scores_of_a_layer_stand_together_those_of_the_output_first():
    keys = ["error:aux", "cost:output", "cost:aux", "error:output", "cost:output_b"]
    expected = ["cost:output", "error:output", "cost:output_b", "cost:aux", "error:aux"]
    assert score_keys(rows(dict.fromkeys(keys, 1.0))) == expected


def test_the_error_of_the_output_is_named_and_not_that_of_another_layer():
    found = main_score(rows({"error:aux": 0.1, "cost:output": 2.0, "error:output": 0.5}))
    assert (found.key, found.value, found.part) == ("error:output", 0.5, "dev")


def test_without_dev_scores_that_on_train_is_named():
    assert main_score(rows({}, train={"cost:output": 2.0})).part == "train"
    assert main_score(rows({}, {})) is None


def test_the_best_is_the_earliest_of_the_lowest_known():
    found = best(rows({"x": math.nan}, {"x": 2.0}, {"x": 1.0}, {"x": 1.0}), "x")
    assert (found.value, found.epoch) == (1.0, 3)


@pytest.mark.parametrize(("value", "text"), [(1.05, "1.05"), (19.14, "19.1"), (99.96, "100"), (4771.7, "4,772")])
def test_factors_have_no_power_of_ten(value, text):
    assert words.factor(value) == text


def test_of_many_names_the_first_are_told():
    assert words.some(list("abc")) == "a, b, c"
    assert words.some(list("abcd"), 3) == "a, b, c, d"
    assert words.some(list("abcde"), 3) == "a, b, c and 2 more"
