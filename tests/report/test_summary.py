"""The summary of a pipeline."""

import math
from dataclasses import replace

from boulder.report import ScoreRow
from boulder.report.summary import best, main_score, score_keys


def rows(*dev, train=None):
    return [ScoreRow(number, 0, dev=values, train=train or {}) for number, values in enumerate(dev, start=1)]


def test_score_keys_are_grouped_by_layer_with_the_output_first():
    keys = ["error:aux", "cost:output", "cost:aux", "error:output", "cost:output_b"]
    expected = ["cost:output", "error:output", "cost:output_b", "cost:aux", "error:aux"]
    assert score_keys(rows(dict.fromkeys(keys, 1.0))) == expected


def test_main_score_is_the_error_of_the_output_layer():
    found = main_score(rows({"error:aux": 0.1, "cost:output": 2.0, "error:output": 0.5}))
    assert (found.key, found.value, found.part) == ("error:output", 0.5, "dev")


def test_main_score_without_dev_is_on_train():
    assert main_score(rows({}, train={"cost:output": 2.0})).part == "train"
    assert main_score(rows({}, {})) is None


def test_best_is_the_first_epoch_with_the_lowest_finite_value():
    found = best(rows({"x": math.nan}, {"x": 2.0}, {"x": 1.0}, {"x": 1.0}), "x")
    assert (found.value, found.epoch) == (1.0, 3)


def test_main_score_is_the_measure_of_the_last_epoch():
    scores = [{"cost:output": 1.0, "error:output": 0.5, "error:aux": 0.1}] * 2
    found = rows(*scores)
    found[1] = replace(found[1], measure="cost:output")
    assert main_score(found).key == "cost:output"
    assert main_score([*found, ScoreRow(3, 0, dev={"error:output": 0.4}, measure="error:output")]).value == 0.4
