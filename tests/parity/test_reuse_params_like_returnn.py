"""Parameters that layers have in common, by `reuse_params`, exist once, and their gradients add up, as in RETURNN."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases
from tests.parity.published_style import cell, linear, lstm

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 5, "shape": (None, 5)},
    "align": {"dim": 5, "sparse": True, "shape": (None,)},
}
LENGTHS = {"data": [7, 4, 6], "align": [7, 4, 6]}


def transposed(reuse_layer, **_options):
    import tensorflow as tf

    return tf.transpose(reuse_layer.params["W"])


def softmax(source, **options) -> dict:
    return {"class": "softmax", "from": source, "loss": "ce", "target": "align", **options}


def tied(layer: str) -> dict:
    return {"map": {"W": {"reuse_layer": layer, "custom": transposed}, "b": None}}


LOOP = {"class": "rec", "from": "data"}
NETWORKS = {
    "a whole layer": {
        "a": linear("data", 5, "tanh"), "b": linear("a", 5, "relu", reuse_params="a"),
        "c": linear("b", 5, "tanh", reuse_params="a"), "output": softmax("c"),
    },
    "a recurrent layer": {
        "a": lstm("data", 5), "b": lstm("a", 5) | {"reuse_params": "a"}, "output": softmax("b"),
    },
    "some parameters": {
        "a": linear("data", 5, "tanh"),
        "x": linear("a", 5, "relu", reuse_params={"map": {"W": "a", "b": None}}),
        "y": linear("x", 5, "tanh", reuse_params={"map": {"W": "a", "b": None}}),
        "output": softmax("y", reuse_params={"reuse_layer": "a", "auto_create_missing": True}),
    },
    "tied embeddings": {
        "embedding": linear("data:align", 4, with_bias=False), "a": linear("data", 5, "tanh"),
        "framed": {"class": "reinterpret_data", "from": "embedding", "size_base": "data"},
        "b": linear(["a", "framed"], 4, "tanh"), "output": softmax("b", reuse_params=tied("embedding")),
    },
    "within a loop and outside of it": {
        "base": linear("data", 5, "tanh"),
        "loop": LOOP | {"unit": {
            "embedding": linear("prev:output", 5, with_bias=False),
            "a": linear("data:source", 5, "tanh", reuse_params="base:base"),
            "s": cell(["embedding", "a"], 5, "LSTMBlock"),
            "out": linear("s", 5, reuse_params=tied("embedding")),
            "again": linear("out", 5, "tanh", reuse_params={"map": {"W": "base:base", "b": "out"}}),
            "output": {"class": "activation", "activation": "tanh", "from": "again"},
        }},
        "output": softmax(["loop", "base"]),
    },
    "two loops with a common scope": {
        "one": LOOP | {"name_scope": "both", "unit": {"h": linear(["data:source", "prev:h"], 5, "tanh"), "output": linear("h", 5)}},
        "two": LOOP | {"from": "one", "name_scope": "both",
                       "unit": {"h": linear(["data:source", "prev:h"], 5, "tanh"), "output": linear("h", 5)}},
        "output": softmax("two"),
    },
    "a layer that nothing else reads": {
        "a": linear("data", 5, "tanh"), "b": linear("data", 5, "tanh", reuse_params="a"), "output": softmax("b"),
    },
    "the output of a layer": {
        "w": {"class": "constant", "value": 0.25, "shape": (5, 4)}, "v": {"class": "eval", "from": "w", "eval": "tf.sin(source(0))"},
        "x": linear("data", 4, "tanh", reuse_params={"map": {"W": {"layer_output": "v"}, "b": None}}), "output": softmax("x"),
    },
    "a layer of a subnetwork": {
        "sub": {"class": "subnetwork", "from": "data", "subnetwork": {
            "x": linear("data", 5, "tanh"), "output": linear("x", 5, reuse_params="x"),
        }},
        "b": linear("sub", 5, "tanh", reuse_params="sub/x"), "output": softmax("b"),
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(
        returnn, {name: network_case(net, EXTERN_DATA, LENGTHS, ("output",)) for name, net in NETWORKS.items()}
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])
