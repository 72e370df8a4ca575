"""The attention weights in the report."""

import re

import pytest

from boulder.errors import DataError
from boulder.report import render

MAP = {"title": "abc", "columns": ["a", "b", "c"], "rows": ["AE", "B"], "weights": [[0.9, 0.1, 0.0], [0.004, 0.5, 0.5]]}


def test_each_visible_weight_is_a_cell_with_that_opacity(unfinished):
    page = render(unfinished | {"attention": [MAP]})
    cells = re.findall(r'class="cell" x="(\d+)" y="(\d+)" width="26" height="22" fill-opacity="([\d.]+)"', page)
    expected = [("44", "26", "0.9"), ("70", "26", "0.1"), ("70", "48", "0.5"), ("96", "48", "0.5")]
    assert cells == expected
    for name in ("a", "b", "c", "AE", "B"):
        assert f">{name}</text>" in page


def test_no_section_without_weights(unfinished):
    assert 'id="attention"' not in render(unfinished)


@pytest.mark.parametrize("weights", [[[1, 0, 0]], [[1, 0], [0, 1]], [[1, 0, 0], [0, 1]]])
def test_the_shape_of_weights_must_match_their_names(unfinished, weights):
    with pytest.raises(DataError, match=r"report.attention\[0\] \('abc'\): found . rows of .*, expected 2 of 3"):
        render(unfinished | {"attention": [MAP | {"weights": weights}]})
