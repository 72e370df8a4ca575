"""`plan` warns of networks that are never trained, and of an algo that changes nothing."""

import warnings

import pytest

from boulder.schedule import plan

NETWORK = {"output": {"class": "softmax", "n_out": 3, "loss": "ce", "from": "data"}}


def growing(count):
    def algo(idx, net_dict):
        if idx == count:
            return None
        net_dict["output"]["dropout"] = 0.1 * (count - idx)
        return net_dict

    return algo


def told(algo, num_epochs=None, repetitions=1):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plan(NETWORK, {"construction_algo": algo, "repetitions": repetitions}, num_epochs)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize(("num_epochs", "repetitions"), [(None, 1), (6, 1), (11, 2), (5, {"default": 1, "final": 0})])
def test_nothing_is_told_if_the_last_network_is_trained(num_epochs, repetitions):
    assert told(growing(5), num_epochs, repetitions) == []


def test_a_training_that_ends_in_the_schedule_names_the_networks_that_it_misses():
    assert told(growing(5), 6, 2) == [
        "the training ends after 6 epochs, before the schedule does: the checkpoint at the end is not of the last network, and "
        "these are not trained: index 3 (from epoch 7), index 4 (from epoch 9), original network (from epoch 11)"
    ]


def test_an_index_without_epochs_is_named():
    assert told(growing(3), 9, {0: 0, 2: 0}) == ["0 repetitions, so not trained: index 0, index 2"]


@pytest.mark.parametrize(
    ("algo", "message"),
    [
        (
            lambda idx, net_dict: net_dict if idx < 3 else None,
            "construction_algo changes nothing: at each of its 3 indices ",
        ),
        (
            lambda idx, net_dict: net_dict if idx < 1 else None,
            "construction_algo changes nothing: at each of its 1 index ",
        ),
        (lambda idx, net_dict: None, "construction_algo returned None at idx 0, so nothing is pretrained; expected "),
    ],
)
def test_an_algo_without_effect_is_told(algo, message):
    (line,) = told(algo, 9)
    assert line.startswith(message)


def test_an_algo_that_only_changes_settings_has_an_effect():
    assert told(lambda idx, net_dict: net_dict | {"#config": {"batch_size": 5}} if idx < 2 else None, 9) == []
