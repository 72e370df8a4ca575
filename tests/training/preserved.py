"""Checks that growth preserves the function of a network."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import settings
from hypothesis import strategies as st

from boulder.errors import ConfigError
from boulder.network import describe, run_network
from boulder.network.initializers import initial_value
from boulder.training.growth import GrowthOptions, grow, plan_growth

EXTERN_DATA = {"data": {"dim": 6, "sparse": True}, "classes": {"dim": 5, "sparse": True}, "x": {"dim": 3}}
NOISE = st.sampled_from([0.0, 0.5, 0.99])
CHANGES = "; the network would compute something else"
FEW = settings(max_examples=20, deadline=None)


def linear(source, n_out: int, activation=None) -> dict:
    return {"class": "linear", "from": source, "n_out": n_out, "activation": activation}


def hidden(n_out: int, activation=None, **options) -> dict:
    """:return: {"h": linear layer}, for `blstm`"""
    return {"h": {"class": "linear", "n_out": n_out, "activation": activation, **options}}


def blstm(widths: list[int], embedding: int = 4, hidden: dict | None = None) -> dict:
    """linear → a BLSTM for each of `widths` → hidden layers, if any → softmax"""
    net, source = (
        {"embedding": {"class": "linear", "from": "data", "n_out": embedding, "with_bias": False}},
        ["embedding"],
    )
    for i, width in enumerate(widths):
        for name, direction in (("fw", 1), ("bw", -1)):
            net[f"{name}{i}"] = {"class": "rec", "from": source, "n_out": width, "direction": direction}
        source = [f"fw{i}", f"bw{i}"]
    for name, options in (hidden or {}).items():
        net[name] = {"from": source, **options}
        source = [name]
    return net | {"output": {"class": "softmax", "from": source, "loss": "ctc"}}


def trained(spec) -> dict:
    """Values as large as training makes them, biases included."""
    random = np.random.default_rng(3)
    values = {path: random.normal(0, 0.7, param.shape).astype("float32") for path, param in spec.params.items()}
    return {path: abs(value) + np.float32(0.3) if "variance" in path else value for path, value in values.items()}


def fresh(param):
    return initial_value(param.init, param.shape, 5, param.path, param.dtype) + np.float32(0.3)


def computed(spec, values) -> tuple[np.ndarray, float]:
    """:return: output and loss on two sequences"""
    random = np.random.default_rng(4)
    lengths = {"data": [7, 5], "classes": [2, 2], "x": [7, 5]}
    data = {
        "data": random.integers(0, 6, (2, 7)),
        "classes": random.integers(0, 4, (2, 2)),
        "x": random.normal(size=(2, 7, 3)).astype("float32"),
    }
    constants = [{key: tf.constant(value) for key, value in values.items()} for values in (data, lengths)]
    result = run_network(spec, {path: tf.constant(value) for path, value in values.items()}, *constants)
    output = result.layers["output"].feature_last()
    frames = output.ordered(output.template.axes).numpy()
    return np.concatenate([frames[0], frames[1, :5]]), float(result.losses["output"].cost)


def check_is_preserved(old_net: dict, new_net: dict, mode: str, **options):
    old_spec, new_spec = describe(old_net, EXTERN_DATA), describe(new_net, EXTERN_DATA)
    old = trained(old_spec)
    options = GrowthOptions(**{"network": new_spec, "old_network": old_spec} | options)
    new, report = grow(old, old_spec.params, new_spec.params, fresh, mode, options)
    (output, loss), (new_output, new_loss) = computed(old_spec, old), computed(new_spec, new)
    np.testing.assert_allclose(new_output, output, rtol=1e-5, atol=1e-7)
    assert new_loss == pytest.approx(loss, rel=1e-5)
    return new, report


def refused(old_net: dict, new_net: dict, mode: str) -> str:
    old_spec, new_spec = describe(old_net, EXTERN_DATA), describe(new_net, EXTERN_DATA)
    with pytest.raises(ConfigError) as caught:
        plan_growth(old_spec.params, new_spec.params, mode, GrowthOptions(network=new_spec, old_network=old_spec))
    assert "\n" not in str(caught.value)
    return str(caught.value)
