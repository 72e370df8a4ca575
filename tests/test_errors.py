"""Hints in the messages of errors."""

import pytest

from boulder.errors import nearest
from boulder.returnn.options import options_with_verdict


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("momentun", "momentum"),
        ("clip_norm", "gradient_clip_norm"),
        ("Batch_Size", "batch_size"),
        ("batchsize", "batch_size"),
    ],
)
def test_a_name_like_a_right_one_gets_a_hint(name, right):
    assert nearest(name, options_with_verdict()) == f"; did you mean {right!r}?"


@pytest.mark.parametrize(("name", "right"), [("x", "base:x"), ("prev:s", "s"), ("enc", "encoder/enc")])
def test_a_name_that_lacks_its_place_gets_a_hint(name, right):
    assert nearest(name, ["other", right]) == f"; did you mean {right!r}?"


@pytest.mark.parametrize("name", ["speed", "lr", "foo", "xyz", "my_option", "temperature", "gpu", "colour", ""])
def test_a_name_like_no_right_one_gets_none(name):
    assert nearest(name, options_with_verdict()) == ""


def test_without_right_names_there_is_no_hint():
    assert nearest("x", []) == ""
