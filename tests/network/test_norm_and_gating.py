"""`layer_norm` and `gating`."""

import numpy as np
import pytest

from boulder.network import describe, run_network


def test_layer_norm_normalizes_the_features_of_each_frame(extern_data, random_params, random_batch, values):
    spec = describe({"output": {"class": "layer_norm", "from": ["data", "data"], "epsilon": 0.1}}, extern_data)
    params, (data, lengths) = random_params(spec), random_batch((4, 2))
    x = np.concatenate([data["data"]] * 2, -1)
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 0.1)
    expected = expected * params["output/scale"] + params["output/bias"]
    np.testing.assert_allclose(values(run_network(spec, params, data, lengths)), expected, rtol=1e-4, atol=1e-5)


def test_layer_norm_starts_with_scale_1_and_bias_0(extern_data):
    spec = describe({"output": {"class": "layer_norm", "from": "data"}}, extern_data)
    assert {path: (p.shape, p.init) for path, p in spec.params.items()} == {
        "output/scale": ((5,), 1.0),
        "output/bias": ((5,), 0.0),
    }


def test_gating_multiplies_the_halves_of_the_features(run, random_batch, values):
    net = {
        "a": {"class": "linear", "from": "data", "n_out": 6},
        "output": {"class": "gating", "from": "a", "activation": "tanh", "gate_activation": "1 - sigmoid"},
    }
    output = run(net, *random_batch((4, 2)))
    x, gate = np.split(values(output, "a"), 2, -1)
    np.testing.assert_allclose(values(output), np.tanh(x) * (1 - 1 / (1 + np.exp(-gate))), rtol=1e-4, atol=1e-6)


BAD = [
    (
        {"class": "layer_norm", "from": "data:letters"},
        "(layer_norm): needs float32 values with a feature axis, but its input is [batch, time:letters], 6 classes int32",
    ),
    ({"class": "layer_norm", "from": "data", "epsilon": -1}, "(layer_norm): 'epsilon' must be 0 or more, found -1"),
    (
        {"class": "gating", "from": "data", "activation": "tanh"},
        "(gating): needs an even number of features, but its input is [batch, time:data, feature:5] float32",
    ),
    ({"class": "gating", "from": "data"}, "(gating): option 'activation' is missing"),
]


@pytest.mark.parametrize(("layer", "message"), BAD)
def test_message(layer, message, check_message):
    check_message({"output": layer}, f"layer 'output' {message}")
