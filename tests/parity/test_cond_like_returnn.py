"""`cond` gives the same numbers and parameters as in RETURNN, for both values of its condition."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases
from tests.parity.published_style import linear, lstm

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 5, "shape": (None, 5)},
    "align": {"dim": 5, "sparse": True, "shape": (None,)},
}
LENGTHS = {"data": [7, 4, 6], "align": [7, 4, 6]}


def network(value: bool, true_layer: dict, false_layer: dict) -> dict:
    return {
        "a": linear("data", 5, "tanh"),
        "one": {"class": "constant", "value": 3.0},
        "is": {"class": "compare", "from": "one", "kind": "greater" if value else "less", "value": 1.0},
        "c": {"class": "cond", "from": [], "condition": "is", "true_layer": true_layer, "false_layer": false_layer},
        "output": {"class": "softmax", "from": "c", "loss": "ce", "target": "align"},
    }


BLOCK = {"class": "subnetwork", "from": "a", "subnetwork": {"x": linear("data", 4, "tanh"), "output": lstm("x", 5)}}
OF_SOURCE = {"class": "subnetwork", "from": "a"}
TWO = {
    option: OF_SOURCE
    | {
        "subnetwork": {
            "x": linear("data", 4, "tanh"),
            "more": linear("x", n, "relu") | {"is_output_layer": True},
            "projected": linear("more", 3, "tanh") | {"is_output_layer": True},
            "output": linear("x", 5),
        }
    }
    for option, n in (("true_layer", 2), ("false_layer", 2))
}
PARTS = {
    "halves": {"class": "split", "from": "data", "size_splits": [2, 3]},
    "output": linear(["halves/1", "halves/0"], 5),
}
BRANCHES = {
    "a layer or nothing": (linear("a", 5, "relu"), {"class": "copy", "from": "a"}),
    "subnetworks": (BLOCK, {"class": "subnetwork", "from": "a", "subnetwork": {"y": linear("data", 5), "output": linear("y", 5)}}),
    "common parameters": (linear("a", 5, "relu"), linear("a", 5, "tanh")),
}  # fmt: skip
BRANCHES["parts of a layer"] = (OF_SOURCE | {"subnetwork": PARTS}, linear("a", 5))
AUX = BLOCK["subnetwork"] | {"aux": {"class": "softmax", "from": "x", "loss": "ce", "target": "align"}}
BRANCHES["a loss that does not count"] = (BLOCK | {"subnetwork": AUX}, linear("a", 5))
CASES = {(name, value): network(value, *layers) for name, layers in BRANCHES.items() for value in (True, False)}
for condition in (True, False):
    several = network(condition, *TWO.values())
    CASES["several outputs", condition] = several | {"output": several["output"] | {"from": ["c", "c/projected"]}}


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(
        returnn, {key: network_case(net, EXTERN_DATA, LENGTHS, ("c", "output")) for key, net in CASES.items()}
    )


@pytest.mark.parametrize("key", CASES, ids=str)
def test_outputs_losses_and_gradients_match(results, key):
    compare(*results[key])
