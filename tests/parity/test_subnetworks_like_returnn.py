"""Subnetworks, at the top level and in loops, give the same numbers and parameters as in RETURNN."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases
from tests.parity.published_style import add, cell, linear, lstm

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 5, "shape": (None, 5)},
    "align": {"dim": 6, "sparse": True, "shape": (None,)},
}
LENGTHS = {"data": [7, 4, 6], "align": [7, 4, 6]}


def subnetwork(source, layers: dict, **options) -> dict:
    return {"class": "subnetwork", "from": source, "subnetwork": layers, **options}


def softmax(source, **options) -> dict:
    return {"class": "softmax", "from": source, "loss": "ce", "target": "align", **options}


def network(layers: dict, source="sub") -> dict:
    return layers | {"output": softmax(source)}


def looped(unit: dict, **options) -> dict:
    return network({"encoder": lstm("data", 4), "sub": {"class": "rec", "from": "encoder", "unit": unit, **options}})


BLOCK = {
    "norm": {"class": "layer_norm", "from": "data"},
    "ff": linear("norm", 5, "relu"),
    "output": add("ff", "data"),
}
NETWORKS = {
    "nested": network(
        {
            "a": linear("data", 5, "tanh"),
            "sub": subnetwork("a", {
                "one": subnetwork("data", BLOCK),
                "two": subnetwork("one", BLOCK | {"ff": linear(["norm", "base:base:a"], 5, "relu")}),
                "output": {"class": "copy", "from": ["two", "base:a", "one/ff"]},
            }),
        },
        ["sub", "sub/one", "sub/one/norm"],
    ),
    "several sources": network(
        {
            "a": linear("data", 3, "tanh"),
            "sub": subnetwork(["a", "data"], {"output": linear("data", 4, "tanh")}),
        }
    ),
    "sources by name and number": network(
        {
            "a": linear("data", 5, "tanh"),
            "b": linear("data", 5, "sigmoid"),
            "sub": subnetwork(["a", "b"], {"c": add("data:a", "data:1"), "output": linear(["c", "data"], 4)}, concat_sources=False),
        }
    ),
    "a loop within": network(
        {
            "vector": {"class": "reduce", "mode": "mean", "axes": "T", "from": "data"},
            "sub": subnetwork("data", {
                "enc": lstm("data", 3),
                "mean": {"class": "reduce", "mode": "mean", "axes": "T", "from": "enc"},
                "loop": {"class": "rec", "from": "enc", "unit": {
                    "s": cell(["data:source", "base:mean", "prev:output"], 3, "GRU"),
                    "output": linear(["s", "base:base:vector"], 4, "tanh"),
                }},
                "output": {"class": "copy", "from": "loop"},
            }),
        }
    ),
    "losses within": network(
        {
            "sub": subnetwork("data", {
                "lstm": lstm("data", 3),
                "aux": softmax("lstm", loss_scale=0.3),
                "output": linear("lstm", 4, "tanh"),
            }),
        }
    ),
    "only a layer of it is read": network({"sub": subnetwork("data", BLOCK)}, "sub/ff"),
    "scopes": network(
        {
            "a": linear("data", 5, "tanh", name_scope="first/a"),
            "sub": subnetwork("a", {"x": linear("data", 4, "tanh", name_scope=""), "output": linear("x", 4, "tanh", name_scope="/abs/o")},
                name_scope="renamed"),
            "flat": subnetwork("sub", {"x": linear("data", 4, "tanh"), "output": {"class": "copy", "from": "x"}}, name_scope=""),
            "again": linear("a", 5, "tanh", name_scope="twice"),
            "lstm": lstm("again", 3) | {"name_scope": "l"},
            "gru": lstm("again", 3, unit="GRU") | {"name_scope": "/g/h"},
            "twice": linear("again", 5, "tanh"),
            "loop": {"class": "rec", "from": "twice", "name_scope": "other", "unit": {
                "x": linear(["data:source", "prev:output"], 3, "tanh", name_scope="inner"),
                "s": cell("x", 3, "LSTMBlock") | {"name_scope": "cell"},
                "output": linear("s", 3, "tanh", name_scope=""),
            }},
        },
        ["flat", "loop", "lstm", "gru"],
    ),
    "the state of a subnetwork": network(
        {
            "sub": subnetwork("data", {"output": lstm("data", 4)}),
            "last": {"class": "get_last_hidden_state", "from": "sub", "n_out": 8},
            "both": {"class": "combine", "kind": "add", "from": ["data", "scaled"]},
            "scaled": linear("last", 5, "tanh"),
        },
        "both",
    ),
}  # fmt: skip
UNITS = {
    "moved out and kept in": {
        "x": subnetwork("data:source", {"a": linear("data", 3, "tanh"), "output": add("a", "a")}),
        "y": subnetwork(["x", "prev:y"], {"a": linear("data", 3, "tanh"), "output": linear("a", 3, "sigmoid")}),
        "output": linear(["y", "x/a"], 4, "tanh"),
    },
    "prev: of layers within": {
        "y": subnetwork("data:source", {
            "a": linear(["data", "prev:b"], 3, "tanh"), "b": linear("a", 3, "sigmoid", initial_output="ones"),
            "output": add("b", "prev:a"),
        }),
        "output": linear(["y", "prev:output"], 4, "tanh"),
    },
    "units and losses within": {
        "y": subnetwork(["data:source", "prev:output"], {
            "s": cell(["data"], 3, "LSTMBlock"),
            "s2": lstm("s", 3, unit="standardlstm"),
            "unread": softmax("s2", loss_scale=0.5),
            "output": linear(["s2", "base:prev:y"], 3, "tanh"),
        }),
        "output": linear("y", 4, "tanh"),
    },
    "nested, with the surroundings": {
        "y": subnetwork("prev:output", {
            "in": subnetwork("data", {"a": linear(["data", "base:base:data:source"], 3), "output": linear("a", 2, "tanh")}),
            "output": linear(["in", "in/a"], 3, "tanh"),
        }),
        "output": linear(["y", "y/in"], 4, "tanh"),
    },
}  # fmt: skip
CASES = NETWORKS | {
    f"{name}, {'kept in' if kept else 'moved out'}": looped(
        unit, **({"optimize_move_layers_out": False} if kept else {})
    )
    for name, unit in UNITS.items()
    for kept in (False, True)
}


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(
        returnn,
        {
            name: network_case(net, EXTERN_DATA, LENGTHS, ("sub" if "sub" in net else "both", "output"))
            for name, net in CASES.items()
        },
    )


@pytest.mark.parametrize("name", CASES)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])
