"""Functions of texts by RETURNN's names."""

import pytest

from boulder.data.text.text_processing import text_processing
from boulder.errors import DataError


@pytest.mark.parametrize(
    ("option", "text", "expected"),
    [
        (None, " A  b", " A  b"),
        ("lowercase", "A B", "a b"),
        ("basic_cleaners", " A \t B ", "a b"),
        ("lowercase_keep_special", "A [LAUGH] B", "a [LAUGH] b"),
        ("expand_abbreviations", "Dr. No, Mrs. X", "doctor No, misses X"),
        ("get_remove_chars(',/')", "a,b/c", "a b c"),
        ("get_replace('a', 'b')", "aba", "bbb"),
        ("lowercase, get_replace('a', 'x')", "Aa", "xx"),
        (["lowercase", str.strip, "get_replace('a', 'x')"], " Aa ", "xx"),
    ],
)
def test_texts_are_processed_step_by_step(option, text, expected):
    assert text_processing(option)(text) == expected


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("lower_case", "found 'lower_case', expected one of lowercase, .*; did you mean 'lowercase'"),
        ("english_cleaners", "found 'english_cleaners', which needs the package inflect"),
        ("get_replace('a')", 'found "get_replace'),
        ("__import__('os')", "found '__import__', expected one of"),
        ("a b", "found 'a b', expected the name of a function"),
        (3, "found 3, expected a function or its name"),
    ],
)
def test_wrong_names_are_told_with_the_nearest_one(option, message):
    with pytest.raises(DataError, match=message):
        text_processing(option)


def test_a_function_that_returns_no_text_is_an_error():
    with pytest.raises(DataError, match="returned 3, expected a text"):
        text_processing(len)("abc")
