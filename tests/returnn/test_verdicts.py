"""The table of verdicts on RETURNN's options."""

import numpy as np
import pytest

from boulder.returnn.options import NOT_OF_RETURNN, options_with_verdict, verdict
from boulder.returnn.overrides import known_options
from boulder.returnn.verdicts import HONOURED, Kind, refused, table, without_effect


def test_each_row_that_is_not_honoured_has_a_reason():
    assert [name for name in options_with_verdict() if verdict(name) != HONOURED and not verdict(name).reason] == []


def test_every_training_option_that_returnn_reads_is_honoured_without_a_row():
    from boulder.returnn.options import _ROWS

    options = {*known_options()} - NOT_OF_RETURNN
    assert {name: verdict(name).kind for name in options} == dict.fromkeys(options, Kind.HONOURED)
    assert _ROWS.keys() & options == set()


def test_an_own_variable_of_the_config_has_no_verdict():
    assert verdict("EncKeyTotalDim") is None


def test_a_name_has_one_verdict():
    with pytest.raises(ValueError, match="two verdicts: a"):
        table(refused("no", "a"), without_effect("no", "a", "b"), honoured=())
    with pytest.raises(ValueError, match="two verdicts: a"):
        table(refused("no", "a"), honoured=("a",))


@pytest.mark.parametrize(
    ("value", "refuses"),
    [
        (None, False), (0, False), (0.0, False), (False, False), ("auto", False), ({}, False), (np.int64(0), False),
        (1, True), (True, True), ("0", True), ([], True), ({"a": 1}, True), (np.zeros(1), True), (lambda: 0, True),
    ],
)  # fmt: skip
def test_a_refused_option_passes_with_a_value_that_has_no_effect(value, refuses):
    assert refused("no", "a", unless=(0, "auto", {}))["a"].refuses(value) is refuses


def test_options_that_are_not_refused_pass_with_any_value():
    assert not HONOURED.refuses(3)
    assert not without_effect("logs", "a")["a"].refuses(3)
