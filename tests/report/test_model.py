"""Invalid input of a report raises an error that names the place of the mistake."""

import pytest

from boulder.errors import DataError
from boulder.report import Report


def changed(report, path, value):
    *parents, last = path
    target = report
    for key in parents:
        target = target[key]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return report


def test_a_full_report_is_loaded(finished):
    report = Report.load(finished)
    assert report.phases[1].growth.grown == 6
    assert report.phases[3].label == "original"
    assert Report.load(finished) == report


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["title"], None, r"^report: key 'title' is missing$"),
        (["titel"], "x", r"^report: unknown key 'titel'; did you mean 'title'\?$"),
        (["phases"], {}, r"^report.phases: found \{\}, expected a list$"),
        (["phases", 0, "num_params"], None, r"^report.phases\[0\]: key 'num_params' is missing$"),
        (["phases", 0, "num_parms"], 1, r"^report.phases\[0\]: unknown key 'num_parms'; did you mean 'num_params'\?$"),
        (["phases", 2, "first_epoch"], "5", r"^report.phases\[2\].first_epoch: found '5', expected an integer$"),
        (["phases", 2, "first_epoch"], True, "found True, expected an integer"),
        (["phases", 2, "first_epoch"], 4, "phase 2: found epochs 4 to 6, expected a range that starts at 5 or later"),
        (["phases", 2, "last_epoch"], 4, "phase 2: found epochs 5 to 4"),
        (["phases", 0, "added", 1], 3, r"^report.phases\[0\].added\[1\]: found 3, expected a string$"),
        (["phases", 0, "seconds"], "3 s", r"phases\[0\].seconds: found '3 s', expected a number$"),
        (["phases", 1, "growth"], 3, r"phases\[1\].growth: found 3, expected a dict$"),
        (["phases", 1, "changed", "x"], "wider", r"changed\['x'\]: found 'wider', expected a list$"),
        (["scores", 3, "train", "cost:output"], "low", r"scores\[3\].train\['cost:output'\]: found 'low', expected a number"),
        (["scores", 3, "dev"], {1: 2.0}, r"scores\[3\].dev: found key 1, expected a string"),
        (["scores", 3, "epoch"], 3, "scores of epoch 3 follow those of epoch 3, expected ascending epochs"),
        (["scores", 3, "phase"], 9, "scores of epoch 4 belong to phase 9, which is not in the plan"),
        (["examples", 0, "references"], [], r"examples\[0\] \('boulder'\): found no references, expected at least one"),
        (["examples", 1, "edits"], 2, r"\('phlegm'\): found 2 edits, but the nearest reference has edit distance 1"),
    ],
)  # fmt: skip
def test_an_error_names_the_place_of_the_mistake(finished, path, value, message):
    with pytest.raises(DataError, match=message):
        Report.load(changed(finished, path, value))


def test_a_report_must_be_a_dict():
    with pytest.raises(DataError, match=r"^report: found \[\], expected a dict$"):
        Report.load([])
