"""`recompute`: the same losses and gradients, with dropout, with less kept for the gradient."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.network.recompute import groups, read_elsewhere, recomputed

STREAMS = {"data": {"dim": 6}, "classes": {"dim": 5, "sparse": True}}
FEEDS = {"class": "softmax", "loss": "ce", "target": "classes", "dropout": 0.3}


def block(recompute) -> dict:
    again = {"recompute": recompute, "dropout": 0.3, "dropout_noise_shape": {"*": None}}
    return {
        "wide": {"class": "linear", "n_out": 12, "activation": "tanh", "from": "data", **again},
        "conv": {"class": "conv", "filter_size": (3,), "padding": "same", "n_out": 6, "with_bias": True, "from": "wide", **again},
        "pooled": {"class": "pool", "mode": "max", "pool_size": (2,), "padding": "same", "strides": 1, "from": "conv", "recompute": recompute},
        "sum": {"class": "combine", "kind": "add", "from": ["data", "pooled"], "recompute": recompute},
        "drop": {"class": "eval", "from": "sum", "eval": "tf.nn.dropout(source(0), rate=0.2)", "recompute": recompute},
        "lstm": {"class": "rec", "unit": "nativelstm2", "n_out": 4, "from": "drop", **again},
        "output": {"from": "lstm", "L2": 0.1, **FEEDS, **again},
    }  # fmt: skip


def loop(recompute) -> dict:
    return {
        "encoder": {"class": "linear", "n_out": 6, "from": "data", "activation": "tanh"},
        "output": {
            "class": "rec", "from": [], "target": "classes", "recompute": recompute,
            "unit": {
                "s": {"class": "rnn_cell", "unit": "lstmblock", "n_out": 4, "from": ["prev:context"]},
                "key": {"class": "linear", "n_out": 6, "from": "s", "dropout": 0.4, "with_bias": False},
                "energy": {"class": "dot", "from": ["base:encoder", "key"], "red1": "F", "red2": "F", "var1": "T", "var2": None},
                "weights": {"class": "softmax_over_spatial", "from": "energy"},
                "context": {"class": "generic_attention", "weights": "weights", "base": "base:encoder"},
                "output": {"from": ["s", "context"], **FEEDS},
            },
        },
    }  # fmt: skip


def states(recompute) -> dict:
    """The state of `encoder` after the last frame is read by another layer, and only that."""
    unit = {"class": "rec", "unit": "nativelstm2", "n_out": 4, "from": "data", "recompute": recompute}
    return {
        "encoder": unit,
        "decoder": unit | {"initial_state": "encoder", "direction": -1},
        "output": {"from": "decoder", **FEEDS},
    }


def losses_and_gradients(net: dict, compiled: bool) -> list[np.ndarray]:
    spec = describe(net, STREAMS)
    random = np.random.default_rng(6)
    variables = {
        path: tf.Variable(random.normal(size=param.shape, scale=0.5).astype("float32"))
        for path, param in sorted(spec.params.items())
    }
    data = {
        "data": tf.constant(random.normal(size=(3, 7, 6)), tf.float32),
        "classes": tf.constant(random.integers(0, 5, (3, 7)), tf.int32),
    }
    lengths = {"data": tf.constant([7, 4, 6]), "classes": tf.constant([7, 4, 6])}

    def run(data, lengths):
        with tf.GradientTape() as tape:
            found = run_network(spec, variables, data, lengths, train=True, seed=3, step=tf.constant(5))
            total = tf.add_n([loss.cost for loss in found.losses.values()])
        return [total, *tape.gradient(total, list(variables.values()))]

    return [tf.convert_to_tensor(value).numpy() for value in (tf.function(run) if compiled else run)(data, lengths)]


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("net", "recompute", "compiled"),
    [
        (block, True, False),
        (block, "together", False),
        (states, True, False),
        pytest.param(states, True, True, marks=SLOW),
        pytest.param(block, True, True, marks=SLOW),
        pytest.param(block, "together", True, marks=SLOW),
        pytest.param(loop, True, True, marks=SLOW),
    ],
)
def test_losses_and_gradients_are_the_same_with_the_same_dropout(net, recompute, compiled):
    plain, again = losses_and_gradients(net(False), compiled), losses_and_gradients(net(recompute), compiled)
    for old, new in zip(plain, again, strict=True):
        np.testing.assert_allclose(new, old, rtol=0, atol=1e-6 * max(1, abs(old).max()))
    assert all(abs(value).max() > 0 for value in again)


def test_layers_alone_or_neighbours_with_the_same_name_are_groups():
    net = block("a") | {"lstm": block(True)["lstm"], "output": block(True)["output"]}
    spec = describe(net, STREAMS)
    found = [([layer.name for layer in group], again) for group, again in groups(spec)]
    assert found == [(["wide", "conv", "pooled", "sum", "drop"], True), (["lstm"], True), (["output"], True)]
    group = next(iter(groups(spec)))[0]
    assert read_elsewhere(spec, group) == {"drop"}


@pytest.mark.parametrize(
    ("net", "message"),
    [
        ({"output": {"class": "linear", "n_out": 5, "from": "data:classes", "recompute": True}}, "class indices"),
        ({"output": {"class": "rec", "from": "data", "unit": {"output": {"class": "linear", "n_out": 5, "from": ["data:source", "prev:output"], "recompute": True}}}},
         "works for loops as a whole"),
        ({"output": {"class": "linear", "n_out": 5, "recompute": 3}}, "option 'recompute' must be"),
    ],
)  # fmt: skip
def test_where_it_does_not_apply_it_is_refused(net, message):
    with pytest.raises(NetworkError, match=message):
        describe(net, STREAMS)


def test_a_layer_of_labels_alone_as_the_output_of_a_decoder_can_be_compiled():
    compiled = tf.function(lambda labels: recomputed(lambda x: x + 1, labels), autograph=False)
    assert compiled(tf.constant([1, 2])).numpy().tolist() == [2, 3]
