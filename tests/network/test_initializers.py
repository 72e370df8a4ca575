"""Initial values by the names and calls of net dicts, with the standard deviations of TensorFlow's initializers."""

import math

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe
from boulder.network.initializers import INITIALIZERS, initial_value

SHAPE = (200, 300)
DEVIATIONS = {
    "variance_scaling_initializer(mode='fan_in', distribution='uniform', scale=0.78)": math.sqrt(0.78 / 200),
    "variance_scaling_initializer(scale=2.0, mode='fan_out')": math.sqrt(2 / 300),
    "VarianceScaling(mode='fan_avg', distribution='untruncated_normal')": math.sqrt(1 / 250),
    "glorot_uniform": math.sqrt(1 / 250),
    "xavier_initializer()": math.sqrt(1 / 250),
    "he_normal": math.sqrt(2 / 200),
    "random_normal_initializer(mean=0.0, stddev=0.1)": 0.1,
    "tf.random_uniform_initializer(-0.3, 0.3, seed=1)": 0.3 / math.sqrt(3),
    "truncated_normal(stddev=0.1)": 0.1 * 0.8796,
    "orthogonal(gain=2.0)": 2 / math.sqrt(300),
}


@pytest.mark.parametrize("init", DEVIATIONS)
def test_initializers_have_the_expected_standard_deviation(init):
    assert initial_value(init, SHAPE, 1, "l/W").std() == pytest.approx(DEVIATIONS[init], rel=0.02)


def test_initial_values_never_change_since_they_are_not_in_the_hashes_of_jobs():
    drawn = [float(initial_value(init, (3, 5), 42, "l/W")[0, 0]).hex() for init in ("glorot_uniform", "he_normal")]
    assert drawn == ["-0x1.412c780000000p-1", "-0x1.609fae0000000p-3"]


def test_constants():
    assert (initial_value("constant_initializer(0.3)", (2, 3), 1, "l/W") == np.float32(0.3)).all()
    assert (initial_value("identity", (3, 3), 1, "l/W") == np.eye(3)).all()


@pytest.mark.parametrize("init", INITIALIZERS)
def test_values_depend_on_seed_path_and_shape_only(init):
    first = initial_value(init, (3, 4), 1, "l/W")
    assert first.shape == (3, 4)
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, initial_value(init, (3, 4), 1, "l/W"))


def test_a_dict_equals_a_call():
    given = {"class": "VarianceScaling", "scale": 0.78, "mode": "fan_in", "distribution": "uniform"}
    net = {"output": {"class": "linear", "n_out": 3, "forward_weights_init": given, "loss": "as_is"}}
    init = describe(net, {"data": {"dim": 2}}).params["output/W"].init
    expected = initial_value(next(iter(DEVIATIONS)), (5, 6), 1, "l/W")
    np.testing.assert_array_equal(initial_value(init, (5, 6), 1, "l/W"), expected)


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("glorot_unifrm", "unknown initializer 'glorot_unifrm'; did you mean 'glorot_uniform'?"),
        ("variance_scaling(mode='fan')", "initializer \"variance_scaling(mode='fan')\" cannot be called: 'fan'"),
        ("zeros(", "'zeros(' is not an initializer; expected a name, or a call with numbers"),
        ("normal(stddev=open('x'))", "\"normal(stddev=open('x'))\" is not an initializer; expected a name, or a call with numbers"),
    ],
)  # fmt: skip
def test_message(init, message):
    net = {"output": {"class": "linear", "n_out": 3, "forward_weights_init": init, "loss": "as_is"}}
    with pytest.raises(NetworkError) as error:
        describe(net, {"data": {"dim": 2}})
    assert str(error.value) == f"layer 'output' (linear): {message}"
