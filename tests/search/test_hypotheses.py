"""Files of hypotheses: what is written is read back, also in the spelling of other writers."""

import ast
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.errors import ConfigError, DataError
from boulder.search.hypotheses import best_texts, check_format, read_hypotheses, write_hypotheses

scores = st.floats(width=32, allow_nan=False).map(np.float32)
hypotheses = st.dictionaries(
    st.text(max_size=8),
    st.one_of(st.text(max_size=20), st.lists(st.tuples(scores, st.text(max_size=9)), max_size=4)),
    max_size=5,
)


@settings(max_examples=40, deadline=None)  # waits for the disk
@given(hypotheses, st.sampled_from(["hyp.py", "hyp.py.gz"]))
def test_what_is_written_is_read_back_in_its_order(tmp_path_factory, values, name):
    path = tmp_path_factory.mktemp("hyp") / name
    write_hypotheses(path, values)
    found = read_hypotheses(path)
    assert list(found) == list(values)
    for tag, value in values.items():
        if isinstance(value, str):
            assert found[tag] == value
        else:
            assert [(np.float32(score), text) for score, text in found[tag]] == value


def test_the_field_reads_it_as_python_with_inf_and_nan(tmp_path):
    write_hypotheses(tmp_path / "h", {"a": [(np.float32(-1.5), "x y"), (np.float32("-inf"), "")], "b": "it's"})
    text = (tmp_path / "h").read_text()
    assert eval(text, {"nan": math.nan, "inf": math.inf}) == {"a": [(-1.5, "x y"), (-math.inf, "")], "b": "it's"}
    assert text.splitlines()[:2] == ["{", "'a': ["]


def test_a_line_of_txt_is_a_hypothesis_without_its_tag(tmp_path):
    write_hypotheses(tmp_path / "h", {"a": "x y", "b": [(np.float32(0.5), "z"), (np.float32(0.25), "")]}, "txt")
    assert (tmp_path / "h").read_text() == "x y\n[(0.5, 'z'), (0.25, '')]\n"


def test_long_arrays_are_written_whole(tmp_path):
    write_hypotheses(tmp_path / "h", {"a": np.arange(5000)})
    assert "..." not in (tmp_path / "h").read_text()


def test_scores_in_numpys_spelling_are_read(tmp_path):
    (tmp_path / "h").write_text("{\n'a': [\n(np.float32(-1.5), 'x'),\n(float('-inf'), 'y'),\n(nan, 'z'),\n],\n}\n")
    found = read_hypotheses(tmp_path / "h")["a"]
    assert found[:2] == [(-1.5, "x"), (-math.inf, "y")]
    assert math.isnan(found[2][0])


def test_the_best_of_several_hypotheses_is_the_first_of_the_highest_score():
    assert best_texts({"a": [(-2.0, "x"), (-1.0, "y"), (-1.0, "z")], "b": "w"}) == {"a": "y", "b": "w"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x y\nz\n", "cannot be read as hypotheses in the format 'py'"),
        ("{'a': open('x')}", r"found \"open\('x'\)\", expected texts and numbers"),
        ("['a']", "found a list, expected a dict"),
        ("{'a': 'x', 'a': 'y'}", "found several hypotheses of 'a'"),
    ],
)
def test_a_file_of_another_form_is_reported(tmp_path, text, message):
    (tmp_path / "h").write_text(text)
    with pytest.raises(DataError, match=message):
        read_hypotheses(tmp_path / "h")


def test_reading_executes_nothing(tmp_path):
    (tmp_path / "h").write_text(f"{{'a': __import__('pathlib').Path({str(tmp_path / 'made')!r}).touch()}}")
    with pytest.raises(DataError):
        read_hypotheses(tmp_path / "h")
    assert not (tmp_path / "made").exists()
    assert ast.parse((tmp_path / "h").read_text())


def test_wrong_formats_are_refused():
    with pytest.raises(ConfigError, match=r"found 'text', expected py or txt; did you mean 'txt'"):
        check_format("text", "search_output_file_format")
    with pytest.raises(ConfigError, match="'txt' with 2 output layers"):
        check_format("txt", "search_output_file_format", num_layers=2)


def test_arrays_are_no_texts():
    with pytest.raises(DataError, match=r"'a': found array\(.*, expected a text"):
        best_texts({"a": np.ones(2)})
