"""Which checkpoints are kept, without training. tests/parity compares with RETURNN."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import ConfigError
from boulder.training.keep import Keep, keep_of_config

SCORES = st.lists(st.floats(0, 9) | st.none(), min_size=1, max_size=40)


def history(values: list) -> list[dict]:
    return [
        {"epoch": epoch, "index": None, "learning_rate": 1.0, "train": {}, "dev": {"cost:output": value}}
        for epoch, value in enumerate(values, 1)
    ]


@given(st.lists(st.floats(0, 9), min_size=1, max_size=40), st.integers(1, 5), st.integers(1, 3))
def test_a_best_epoch_and_the_last_ones_are_wanted(values, best, last):
    wanted = Keep(best=best, last=last).wanted(history(values))
    assert min(values) in {values[epoch - 1] for epoch in wanted}
    assert {*range(max(1, len(values) - last + 1), len(values) + 1)} <= wanted


@given(SCORES, st.integers(1, 5))
def test_an_epoch_that_was_dropped_is_never_wanted_again(values, best):
    before: set[int] = set()
    for number in range(1, len(values) + 1):
        wanted = Keep(best=best).wanted(history(values[:number]))
        assert wanted <= before | {number}
        before = wanted


def test_these_epochs_are_always_wanted_and_others_only_at_the_interval():
    keep = Keep(epochs=(3, 7), best=1, last=1, interval=4)
    values = [1.0, 9.0, 5.0, 0.6, 0.5, 7.0, 8.0, 9.0, 9.5]
    assert keep.wanted(history(values)) == {3, 4, 7, 8}


def test_two_that_share_a_job_keep_what_either_keeps():
    joint = Keep((2,), best=1, interval=4) | Keep((5,), last=2, interval=6)
    assert joint == Keep((2, 5), best=1, last=2, interval=2)


def test_the_options_of_a_config_and_returnns_defaults():
    assert keep_of_config({}, 20) == Keep()
    assert keep_of_config({}, 20, [5, 3]) == Keep((3, 5))
    assert keep_of_config({"cleanup_old_models": False, "save_interval": 8}, 20) == Keep((8, 16), interval=8)
    assert keep_of_config({"cleanup_old_models": True}, 50) == Keep((5, 10, 20, 40, 49, 50), 4, 2)
    assert keep_of_config({"cleanup_old_models": True}, 9) == Keep((4, 5, 8, 9), 4, 2)
    assert keep_of_config({"cleanup_old_models": {"keep": [7, 99], "keep_last_n": 1, "keep_best_n": 0}}, 9) == Keep(
        (7, 9), 0, 1
    )
    assert keep_of_config({"cleanup_old_models": {"keep_best_n": 9}}, 9).epochs == tuple(range(1, 10))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"cleanup_old_models": {"keep_bst_n": 4}}, "'cleanup_old_models' has no option 'keep_bst_n', .*; did you mean 'keep_best_n'"),
        ({"cleanup_old_models": {"keep_last_n": 0}}, "'keep_last_n' must be an int of at least 1, found 0"),
        ({"cleanup_old_models": {"keep_best_n": 1.5}}, "'keep_best_n' must be an int of at least 0, found 1.5"),
        ({"cleanup_old_models": {"keep": ["a"]}}, "keep: found .*, expected a list of epochs"),
        ({"cleanup_old_models": "yes"}, "'cleanup_old_models' must be a bool, or a dict .*, found 'yes'"),
        ({"cleanup_old_models": True, "save_interval": 0}, "'save_interval' must be a positive int, found 0"),
        ({"save_interval": 2}, "'save_interval' has no effect without 'cleanup_old_models'"),
    ],
)  # fmt: skip
def test_wrong_options_are_refused(config, message):
    with pytest.raises(ConfigError, match=message) as raised:
        keep_of_config(config, 20)
    assert "\n" not in str(raised.value)
