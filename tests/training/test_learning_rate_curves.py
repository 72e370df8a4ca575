"""Rates along a curve: cosine, linear, one_cycle, inverse_square_root."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import ConfigError
from boulder.schedule import plan
from boulder.training.learning_rate import control_from_json, learning_rate_control

NETWORK = {"output": {"class": "softmax", "loss": "ce", "from": "data"}}
CURVES = ("cosine", "linear", "one_cycle", "inverse_square_root")


def rates(name, num_epochs, curve_epochs=None, overrides=({}, {}), **config):
    def algo(idx, net_dict):
        if idx == 2:
            return None
        return {**net_dict, "hidden": {"class": "linear", "n_out": idx + 1}, "#config": overrides[idx]}

    schedule = plan(NETWORK, {"construction_algo": algo} if overrides else None, num_epochs)
    control = learning_rate_control({"learning_rate_control": name} | config, schedule, curve_epochs)
    return [control.rate(epoch, []) for epoch in range(1, num_epochs + 1)]


def test_the_curves_have_their_formulas():
    assert rates("linear", 4, learning_rate=8, min_learning_rate=4) == [8, 7, 6, 5]
    assert rates("cosine", 4, learning_rate=2) == pytest.approx([2, 1 + math.sqrt(0.5), 1, 1 - math.sqrt(0.5)])
    assert rates("inverse_square_root", 9, learning_rate=6)[::3] == pytest.approx([6, 3, 6 / math.sqrt(7)])
    warm = rates("inverse_square_root", 8, learning_rate=6, learning_rate_warmup_num_epochs=2)
    assert warm == pytest.approx([6, 6, *(6 * math.sqrt(2 / epoch) for epoch in range(3, 9))])
    one_cycle = rates("one_cycle", 20, learning_rate=1)
    assert one_cycle[0] == one_cycle[18] == pytest.approx(0.1)
    assert one_cycle[9] == max(one_cycle) == 1
    assert one_cycle[19] == pytest.approx(0.05)


@given(st.sampled_from(CURVES), st.integers(1, 40), st.integers(0, 5), st.floats(0, 0.01))
def test_rates_stay_in_bounds_and_further_epochs_change_none_and_keep_the_last(name, num_epochs, further, lowest):
    config = {"learning_rate": 0.01, "min_learning_rate": lowest}
    found = rates(name, num_epochs, overrides=(), **config)
    assert all(lowest <= rate <= 0.01 for rate in found)
    if name != "one_cycle":
        assert all(new <= old for old, new in pairwise(found))
    assert rates(name, num_epochs + further, num_epochs, overrides=(), **config) == found + found[-1:] * further


def test_the_curve_spans_the_epochs_that_the_config_says():
    assert rates("linear", 5, learning_rate=4, learning_rate_num_epochs=2) == [4, 2, 2, 2, 2]


def test_a_rate_of_the_config_counts_and_the_curve_continues_after_it():
    assert rates("linear", 4, learning_rate=8, learning_rates={2: 1}, overrides=({}, {})) == [8, 1, 4, 2]
    assert rates("linear", 4, learning_rate=8, overrides=({}, {"learning_rate": 0})) == [8, 0, 4, 2]


@pytest.mark.parametrize("name", CURVES)
def test_part_of_a_curve_is_the_part_of_its_rates(name):
    schedule = plan(NETWORK, None, 6)
    control = learning_rate_control({"learning_rate_control": name, "learning_rate": 1}, schedule)
    part = control_from_json(control.restricted_to(range(3, 5)).to_json())
    assert [part.rate(epoch, []) for epoch in (3, 4)] == control.rates[2:4]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"learning_rate_num_epochs": 0}, "'learning_rate_num_epochs' must be a positive int, found 0"),
        ({"learning_rate_num_epochs": 1.5}, "'learning_rate_num_epochs' must be an int or None, found 1.5"),
        ({"min_learning_rate": -1}, "'min_learning_rate' must be a number, 0 or more, found -1"),
        ({"min_learning_rate": 2}, "'min_learning_rate' must be at most 'learning_rate', 1.0, found 2"),
        ({"pretrain_learning_rate": 0.1}, "'pretrain_learning_rate' has no effect with learning_rate_control 'cosine'"),
        (
            {"newbob_error_threshold": 0.1},
            "'newbob_error_threshold' is an option of learning_rate_control 'newbob_abs'",
        ),
    ],
)
def test_a_wrong_option_of_a_curve_is_an_error(config, message):
    with pytest.raises(ConfigError) as error:
        rates("cosine", 3, learning_rate=1, **config)
    assert str(error.value).startswith(f"config: {message}")


def test_jobs_with_the_same_rates_are_the_same_whatever_the_length_of_the_curve():
    def first(num_epochs: int) -> dict:
        config = {"learning_rate_control": "inverse_square_root"}
        return (
            learning_rate_control(config, plan(NETWORK, None, num_epochs), num_epochs)
            .restricted_to(range(1, 4))
            .to_json()
        )

    assert first(10) == first(20)


@pytest.mark.parametrize("value", ["10", -3, 1.5])
def test_a_wrong_number_of_epochs_of_warm_up_is_an_error_where_a_curve_depends_on_it(value):
    with pytest.raises(
        ConfigError, match=f"'learning_rate_warmup_num_epochs' must be an int, 0 or more, found {value!r}"
    ):
        rates("inverse_square_root", 3, learning_rate_warmup_num_epochs=value)
