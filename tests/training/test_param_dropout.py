"""`param_dropout`: which parameters lose entries, how many, and when."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import ConfigError, NetworkError
from boulder.network import describe
from boulder.training import TrainingOptions
from boulder.training.param_dropout import param_dropout_rates, with_param_dropout
from tests.tiny import EXTERN_DATA, phase


def network(**options) -> dict:
    return {
        "a": {"class": "linear", "n_out": 30, "from": "data", **options},
        "output": {"class": "softmax", "from": "a", "loss": "ce"},
    }


def rates(net: dict, **options) -> dict[str, float]:
    return param_dropout_rates(TrainingOptions.from_config(options), describe(net, EXTERN_DATA))


def test_options_of_a_layer_take_precedence_and_small_parameters_may_be_left_out():
    assert rates(network()) == {}
    assert rates(network(), param_dropout=0.1) == dict.fromkeys(["a/W", "a/b", "output/W", "output/b"], 0.1)
    assert rates(network(), param_dropout=0.1, param_dropout_min_ndim=2) == {"a/W": 0.1, "output/W": 0.1}
    own = network(param_dropout=0.2, param_dropout_min_ndim=1)
    assert rates(own, param_dropout=0.1, param_dropout_min_ndim=2) == {"a/W": 0.2, "a/b": 0.2, "output/W": 0.1}
    assert rates(network(param_dropout=0.0), param_dropout=0.1, param_dropout_min_ndim=2) == {"output/W": 0.1}


def test_entries_depend_on_seed_step_and_path_and_keep_their_mean():
    variables = {path: tf.Variable(tf.ones([50, 80])) for path in ("a/W", "b/W", "c/W")}

    def dropped(seed: int, step: int) -> dict:
        found = with_param_dropout(variables, {"a/W": 0.25, "b/W": 0.25}, seed, tf.constant(step, tf.int64))
        return {path: tf.convert_to_tensor(value).numpy() for path, value in found.items()}

    first = dropped(1, 1)
    assert set(np.unique(first["a/W"])) == {0, np.float32(1 / 0.75)}
    assert (first["c/W"] == 1).all()
    assert first["a/W"].mean() == pytest.approx(1, abs=0.05)
    assert all((first[path] == value).all() for path, value in dropped(1, 1).items())
    assert (first["a/W"] != first["b/W"]).any()
    for other in (dropped(2, 1), dropped(1, 2)):
        assert (other["a/W"] != first["a/W"]).any()


@pytest.mark.slow
def test_only_training_drops_entries(training):
    """With a rate of 0, the scores of dev do not change, and those of train do."""
    frozen = {"learning_rate_control": {"class": "scheduled", "first_epoch": 1, "rates": [0.0, 0.0]}}
    options = {"param_dropout": 0.5, "batching": "default"}
    first, second = training([phase(0, range(1, 3), network(), **options) | frozen]).history
    assert first["dev"] == second["dev"]
    assert first["train"]["cost:output"] != second["train"]["cost:output"]


def test_wrong_rates_are_refused():
    with pytest.raises(ConfigError, match="'param_dropout' must be a number from 0 to below 1, found 1"):
        rates(network(), param_dropout=1)
    with pytest.raises(NetworkError, match=r"'a' .*'param_dropout' must be a number from 0 to below 1, found -0.1"):
        rates(network(param_dropout=-0.1))
