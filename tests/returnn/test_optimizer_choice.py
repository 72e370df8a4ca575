"""The optimizer of a config, as RETURNN's updater chooses it."""

import pytest

from boulder.errors import ConfigError
from boulder.returnn.optimizer_choice import chosen_optimizer


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"class": "sgd"}),
        ({"adam": True}, {"class": "adam"}),
        ({"adam": False, "nadam": True}, {"class": "nadamkeras"}),
        ({"adagrad": True, "adadelta": 1}, {"class": "adadelta"}),
        ({"adam": True, "rmsprop": 0.99}, {"class": "adam"}),
        ({"rmsprop": 0.99}, {"class": "rmsprop", "decay": 0.99}),
        ({"rmsprop": True}, {"class": "rmsprop"}),
        ({"rmsprop": 1, "momentum": 0.5}, {"class": "rmsprop", "momentum": 0.5}),
        ({"momentum": 0.5}, {"class": "momentum", "momentum": 0.5}),
        ({"momentum": 0.0}, {"class": "sgd"}),
        ({"optimizer": "adam"}, {"class": "adam"}),
        ({"optimizer": {"class": "adam", "beta1": 0.5}, "rmsprop": True}, {"class": "adam", "beta1": 0.5}),
        ({"optimizer": {"class": "adam"}, "momentum": 0.5}, {"class": "adam"}),
        ({"optimizer": {"class": "SGD"}, "momentum": 0.5}, {"class": "SGD", "momentum": 0.5}),
        (
            {"optimizer": {"class": "MomentumOptimizer", "momentum": 0.8}, "momentum": 0.5},
            {"class": "MomentumOptimizer", "momentum": 0.8},
        ),
        ({"optimizer": {}, "adam": True}, {"class": "adam"}),
        ({"amsgrad": True, "adamw": True, "nesterov_momentum": 0.9}, {"class": "sgd"}),
    ],
)
def test_the_first_that_is_set_counts(options, expected):
    assert chosen_optimizer(options) == expected


def test_momentum_with_adam_is_an_error_as_in_returnn():
    with pytest.raises(ConfigError, match=r"'momentum': found 0\.9 with 'adam', expected only one of them"):
        chosen_optimizer({"adam": True, "momentum": 0.9})
