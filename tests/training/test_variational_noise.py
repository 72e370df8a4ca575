"""`param_variational_noise`: which parameters get noise, and how much."""

import numpy as np
import tensorflow as tf

from boulder.network import describe
from boulder.training import TrainingOptions
from boulder.training.variational_noise import noise_deviations, with_noise
from tests.tiny import EXTERN_DATA, phase


def network(**options) -> dict:
    return {
        "a": {"class": "linear", "activation": None, "n_out": 300, "from": "data", "with_bias": False, **options},
        "output": {"class": "softmax", "from": "a", "loss": "ce", "with_bias": False},
    }


def deviations(net: dict, **options) -> dict[str, float]:
    return noise_deviations(TrainingOptions(**options), describe(net, EXTERN_DATA))


def test_the_option_of_a_layer_takes_precedence():
    assert deviations(network()) == {}
    assert deviations(network(), param_variational_noise=0.1) == {"a/W": 0.1, "output/W": 0.1}
    assert deviations(network(param_variational_noise=0.2), param_variational_noise=0.1) == {
        "a/W": 0.2,
        "output/W": 0.1,
    }
    assert deviations(network(param_variational_noise=0.0), param_variational_noise=0.1) == {"output/W": 0.1}


def test_frozen_layers_get_noise_too_as_in_returnn():
    assert deviations(network(trainable=False), param_variational_noise=0.1) == {"a/W": 0.1, "output/W": 0.1}


def test_the_option_of_a_loop_is_not_that_of_the_layers_in_it_as_in_returnn():
    """RETURNN 1.20261022 makes no noise in the first and third case, and noise of the layer or config in the others."""

    def found(of_loop: dict, of_layer: dict, **options) -> dict[str, float]:
        layer = {"class": "linear", "activation": None, "n_out": 5, "from": ["data:source", "prev:output"]}
        loop = {"class": "rec", "from": "embedding", "unit": {"output": layer | {"with_bias": False} | of_layer}}
        net = {"embedding": {"class": "linear", "n_out": 4, "from": "data", "param_variational_noise": 0.0}}
        net["loop"] = loop | of_loop
        net["output"] = {"class": "activation", "activation": "softmax", "from": "loop", "loss": "ce"}
        return deviations(net, **options)

    own = {"param_variational_noise": 0.1}
    assert found(own, {}) == {}
    assert found({}, own) == {"loop/rec/output/W": 0.1}
    assert found({}, {"param_variational_noise": 0.0}, param_variational_noise=0.3) == {}
    assert found({"param_variational_noise": 0.0}, {}, param_variational_noise=0.3) == {"loop/rec/output/W": 0.3}


def test_noise_depends_on_seed_step_and_path_and_has_its_deviation():
    variables = {path: tf.Variable(tf.ones([40, 50])) for path in ("a/W", "b/W", "c/W")}

    def noise(seed: int, step: int) -> dict:
        found = with_noise(variables, {"a/W": 0.1, "b/W": 0.3}, seed, tf.constant(step, tf.int64))
        return {path: tf.convert_to_tensor(value).numpy() - 1 for path, value in found.items()}

    first, again = noise(1, 1), noise(1, 1)
    assert all((first[path] == again[path]).all() for path in variables)
    assert not first["c/W"].any()
    np.testing.assert_allclose([first["a/W"].std(), first["b/W"].std()], [0.1, 0.3], rtol=0.05)
    assert abs(np.corrcoef(first["a/W"].ravel(), first["b/W"].ravel())[0, 1]) < 0.1
    for other in (noise(2, 1), noise(1, 2)):
        assert (other["a/W"] != first["a/W"]).mean() > 0.9


def test_only_training_has_noise(training):
    """With a rate of 0, the scores of dev do not change, and those of train do."""
    options = {"param_variational_noise": 0.5, "batching": "default"}
    net = network()
    frozen = {"learning_rate_control": {"class": "scheduled", "first_epoch": 1, "rates": [0.0, 0.0]}}
    history = training([phase(0, range(1, 3), net, **options) | frozen]).history
    first, second = history
    assert first["dev"] == second["dev"]
    assert first["train"]["cost:output"] != second["train"]["cost:output"]
