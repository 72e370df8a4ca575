"""Scheduled learning rates. tests/parity/test_learning_rate_like_returnn.py compares them with RETURNN's engine."""

import numpy as np
import pytest

from boulder.errors import ConfigError
from boulder.schedule import WrapEpochValue, plan
from boulder.training.learning_rate import learning_rates

NETWORK = {"output": {"class": "softmax", "loss": "ce", "from": "data"}}
ALWAYS = {"use_learning_rate_control_always": True}


def rates(config, num_epochs=7, overrides=({}, {}), final=None):
    """Two indices of two epochs each, then the original network in epoch 5, with overrides in `#config`."""

    def algo(idx, net_dict):
        if idx == 2:
            return None
        return {**net_dict, "hidden": {"class": "linear", "n_out": idx + 1}, "#config": overrides[idx]}

    network = NETWORK | ({"#config": final} if final else {})
    pretrain = {"construction_algo": algo, "repetitions": {"default": 2, "final": 1}}
    return learning_rates(config, plan(network, pretrain, num_epochs))


def test_without_pretraining_the_last_rate_of_a_list_holds_for_all_later_epochs():
    assert learning_rates({"learning_rates": [3, 2, 1]}, plan(NETWORK, None, 5)) == [3, 2, 1, 1, 1]


def test_a_dict_sets_the_rates_of_some_epochs():
    config = {"learning_rate": 9, "learning_rates": {4: 2, 2: 5}}
    assert learning_rates(config, plan(NETWORK, None, 5)) == [9, 5, 5, 2, 2]


def test_a_single_rate_holds_for_all_epochs():
    assert rates({"learning_rate": 0.5}) == [0.5] * 7


def test_pretraining_has_its_own_rate():
    assert rates({"learning_rate": 1, "pretrain_learning_rate": 0.1}) == [0.1] * 5 + [1, 1]


def test_the_list_is_ignored_during_pretraining_and_in_the_first_epoch_after_it():
    config = {"learning_rate": 1, "pretrain_learning_rate": 0.1, "learning_rates": [2, 3, 4, 5, 6, 7, 8, 9]}
    assert rates(config, 8) == [0.1] * 5 + [1, 8, 9]
    assert rates(config | ALWAYS, 8) == [2, 3, 4, 5, 6, 7, 8, 9]


def test_a_list_that_ended_during_pretraining_continues_from_the_first_epoch_after_it():
    assert (
        rates({"learning_rate": 1, "pretrain_learning_rate": 0.1, "learning_rates": [2, 3]}, 8) == [0.1] * 5 + [1] * 3
    )


def test_a_rate_in_config_applies_only_to_its_index_during_pretraining():
    overrides = ({"learning_rate": 7}, {})
    assert rates({"learning_rate": 1, "pretrain_learning_rate": 0.1}, overrides=overrides) == [
        7,
        7,
        0.1,
        0.1,
        0.1,
        1,
        1,
    ]


def test_later_epochs_continue_from_a_rate_in_config_if_the_control_is_always_used():
    assert rates({"learning_rate": 1} | ALWAYS, overrides=({}, {"learning_rate": 7})) == [1, 1, 7, 7, 7, 7, 7]


def test_a_rate_in_the_original_networks_config_ends_with_pretraining():
    assert rates({"learning_rate": 1}, final={"learning_rate": 7}) == [1, 1, 1, 1, 7, 1, 1]
    assert rates({"learning_rate": 1} | ALWAYS, final={"learning_rate": 7}) == [1, 1, 1, 1, 7, 7, 7]


def test_a_rate_in_config_may_depend_on_the_epoch():
    overrides = ({"learning_rate": WrapEpochValue(lambda epoch: epoch / 10)}, {})
    assert rates({"learning_rate": 1}, overrides=overrides)[:4] == [0.1, 0.2, 1, 1]


def test_a_network_of_get_network_sets_its_own_rate():
    def get_network(epoch):
        return NETWORK | {"#config": {"learning_rate": epoch}}

    assert learning_rates({"learning_rate": 9}, plan(NETWORK, None, 3, get_network=get_network)) == [1, 2, 3]


def test_a_rate_of_0_updates_nothing_in_its_epochs_and_lasts_as_any_other():
    overrides = ({"learning_rate": 0}, {})
    assert rates({"learning_rate": 1}, overrides=overrides) == [0, 0, 1, 1, 1, 1, 1]
    assert rates({"learning_rate": 1} | ALWAYS, overrides=overrides) == [0] * 7
    assert rates({"learning_rates": [0.5, 0.0, 0.25]} | ALWAYS)[:4] == [0.5, 0, 0.25, 0.25]


def test_after_pretraining_the_rate_of_pretraining_counts_where_the_list_says_0():
    config = {"learning_rate": 1, "pretrain_learning_rate": 0.1, "learning_rates": {6: 0.0}}
    assert rates(config) == [0.1] * 5 + [1, 1]


def test_the_control_may_be_always_used_in_the_epochs_of_one_index():
    config = {"learning_rate": 1, "pretrain_learning_rate": 0.1, "learning_rates": [2, 3, 4, 5, 6, 7, 8]}
    assert rates(config, overrides=({}, ALWAYS)) == [0.1, 0.1, 4, 5, 0.1, 1, 8]


@pytest.mark.parametrize("text", ["[3, 2]", "{1: 3, 2: 2}", "3,2", " 3.0, 2.0"])
def test_a_string_is_read_as_the_list_or_dict_that_it_contains(text):
    assert learning_rates({"learning_rates": text}, plan(NETWORK, None, 3)) == [3, 2, 2]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"learning_rate": -1}, "'learning_rate' must be a number, 0 or more, found -1"),
        ({"learning_rate": "x"}, "'learning_rate' must be a number, 0 or more, found 'x'"),
        ({"learning_rates": [1, "x"]}, r"epoch 2: 'learning_rates\[1\]' must be a number, 0 or more, found 'x'"),
        ({"learning_rates": {3: "x"}}, r"'learning_rates\[3\]' must be a number, 0 or more, found 'x'"),
        ({"learning_rates": 3}, "'learning_rates' must be a list of numbers, or a dict of epochs to them, found 3"),
        (
            {"learning_rates": "3 2"},
            "'learning_rates' must be a list of numbers, or a dict of epochs to them, found '3 2'",
        ),
        ({"learning_rates": {0: 3}}, "'learning_rates' must have epochs from 1 on as its keys, found 0"),
        ({"pretrain_learning_rate": -1}, "'pretrain_learning_rate' must be a number, 0 or more, found -1"),
        ({"use_learning_rate_control_always": 2}, "'use_learning_rate_control_always' must be True or False, found 2"),
    ],
)
def test_a_wrong_rate_is_an_error(config, message):
    with pytest.raises(ConfigError, match=message):
        rates(config)


def test_a_wrong_rate_in_config_is_an_error_with_its_index():
    message = "index 1: '#config': 'learning_rate' must be a number, 0 or more, found -1"
    with pytest.raises(ConfigError, match=message):
        rates({}, overrides=({}, {"learning_rate": -1}))


@pytest.mark.parametrize(
    "given", [np.array([3.0, 2.0]), {np.int64(1): np.float32(3), np.int64(2): 2}, [np.int64(3), 2]]
)
def test_numpy_values_are_rates(given):
    assert learning_rates({"learning_rates": given}, plan(NETWORK, None, 3)) == [3, 2, 2]
    assert learning_rates({"learning_rate": np.float32(0.5)}, plan(NETWORK, None, 1)) == [0.5]
    overrides = ({"learning_rate": np.float64(7)}, {})
    assert rates({"use_learning_rate_control_always": np.bool_(True)}, overrides=overrides)[:2] == [7, 7]


def test_a_list_of_rates_in_config_is_an_error_since_it_has_no_effect():
    message = "index 1: '#config' has 'learning_rates', which has no effect there, expected 'learning_rate'"
    with pytest.raises(ConfigError, match=message):
        rates({}, overrides=({}, {"learning_rates": [1]}))
