"""Masked computation gives the same numbers and parameters as in RETURNN: outside of loops, in loops, in a search."""

import numpy as np
import pytest

from tests.parity.comparing import compare, compare_search, network_case, run_cases, search_cases
from tests.parity.published_style import linear, lstm

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 5, "shape": (None, 5)},
    "align": {"dim": 4, "sparse": True, "shape": (None,)},
    "labels": {"dim": 4, "sparse": True, "shape": (None,)},
}
LENGTHS = {"data": [7, 4, 6], "align": [7, 4, 6], "labels": [4, 2, 3]}

EQUAL_LENGTHS = {key: [lengths[0]] * 3 for key, lengths in LENGTHS.items()}
"""RETURNN's search for a shorter sequence depends on the longer ones, if the unit is a recurrent layer"""


def masked(source, unit: dict, mask: str = "emit", **options) -> dict:
    return {"class": "masked_computation", "from": source, "mask": mask, "unit": unit, **options}


def softmax(source, **options) -> dict:
    return {"class": "softmax", "from": source, "loss": "ce", "target": "align", **options}


def subnetwork(layers: dict) -> dict:
    return {"class": "subnetwork", "from": "data", "subnetwork": layers}


def not_blank(source) -> dict:
    return {"class": "compare", "from": source, "kind": "not_equal", "value": 0}


SLOW = subnetwork(
    {"in": linear("data", 4, "tanh"), "lstm": lstm("in", 3), "output": {"class": "copy", "from": ["lstm", "in"]}}
)
UNITS = {
    "a recurrent layer": lstm("data", 3),
    "a subnetwork": SLOW,
    "a layer without a state": linear("data", 3, "tanh"),
    "a step of a cell": {"class": "rnn_cell", "unit": "LSTMBlock", "from": "data", "n_out": 3},
}


def outside(unit: dict) -> dict:
    return {
        "align": {"class": "reinterpret_data", "from": "data:align", "size_base": "data"},
        "emit": not_blank("align"),
        "m": masked("data", unit),
        "copied": {"class": "copy", "from": "m"},
        "unmasked": {"class": "unmask", "from": "copied", "mask": "emit"},
        "output": softmax(["unmasked", "data"]),
    }


LOSS = {"loss": "as_is", "loss_scale": 0.3}
WITH_LOSSES = {
    "outside of loops, the loss of the unit": outside(linear("data", 1) | LOSS),
    "outside of loops, losses within the unit": outside(
        subnetwork({"aux": linear("data", 1) | LOSS, "output": linear("aux", 3, "tanh")})
    ),
}


def transducer(unit: dict, slow=None, loop=None) -> dict:
    """:return: a loop over the frames of an encoder, which reads its own labels and blanks"""
    layers = {
        "emit": not_blank("prev:output"),
        "embedding": linear("prev:output", 4),
        "slow": slow or masked("embedding", unit),
        "unmasked": {"class": "unmask", "from": "slow", "mask": "emit"},
        "fast": lstm(["unmasked", "embedding", "data:source"], 3),
        "prob": softmax(["fast", "data:source"]),
        "output": {"class": "choice", "from": "prob", "target": "align", "beam_size": 4, "initial_output": 0},
    }
    return {
        "frames": lstm("data", 4),
        "encoder": {"class": "reinterpret_data", "from": "frames", "size_base": "data:align"},
        "labels": linear("data:labels", 4),
        "output": {"class": "rec", "from": "encoder", "target": "align", "unit": layers, **(loop or {})},
        "decision": {
            "class": "decide",
            "from": "output",
            "only_on_search": True,
            "loss": "edit_distance",
            "target": "align",
        },
    }


LABEL_BEFORE = masked("embedding", subnetwork({
    "label": linear("base:prev:output", 3, "tanh"), "both": linear(["data", "label"], 3, "tanh"), "output": lstm("both", 3),
}))  # fmt: skip
NETWORKS = {
    **{f"outside of loops, {name}": outside(unit) for name, unit in UNITS.items() if "cell" not in name},
    **{f"moved out, {name}": transducer(unit) for name, unit in UNITS.items() if "cell" not in name},
    **{f"kept in, {name}": transducer(unit, loop={"optimize_move_layers_out": False}) for name, unit in UNITS.items()},
    **WITH_LOSSES,
    "selected before": transducer({}, masked(None, SLOW, masked_from="base:labels") | {"from": []}),
    "the layers around it": transducer({}, masked("embedding", subnetwork({
        "both": linear(["data", "base:data:source"], 3, "tanh"), "output": lstm("both", 3),
    }))),
    "the label before": transducer({}, LABEL_BEFORE),
    "the label before, kept in": transducer({}, LABEL_BEFORE, {"optimize_move_layers_out": False}),
}  # fmt: skip
SEARCHES = {name: transducer(unit) for name, unit in UNITS.items()}
SEARCHES["the label before"] = transducer({}, LABEL_BEFORE)


def aligned(case: dict) -> dict:
    """:return: the case's data and lengths with the labels of its alignment; its padding has none, as RETURNN reads it"""
    frames, lengths = case["data"]["align"].copy(), case["lengths"]
    for row, length in zip(frames, lengths["align"], strict=True):
        row[length:] = 0
    labels = [row[row != 0] for row in frames]
    sizes = np.array([len(row) for row in labels], "int32")
    padded = np.zeros((len(labels), sizes.max()), "int32")
    for row, own in zip(padded, labels, strict=True):
        row[: len(own)] = own
    data = case["data"] | {"align": frames, "labels": padded}
    return {"data": data, "lengths": lengths | {"labels": sizes}}


@pytest.fixture(scope="module")
def results(returnn):
    cases = {}
    for name, network in NETWORKS.items():
        layers = ("m", "unmasked", "output") if "outside" in name else ("encoder",)
        cases[name] = network_case(network, EXTERN_DATA, LENGTHS, layers)
        if "selected before" in name:
            cases[name] |= aligned(cases[name])
    for name, network in SEARCHES.items():
        for number, case in enumerate(search_cases(network, EXTERN_DATA, EQUAL_LENGTHS, range(2), 2.0)):
            cases[name, number] = case
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])


@pytest.mark.parametrize("name", SEARCHES)
def test_searches_match(results, name):
    for number in range(2):
        compare_search(*results[name, number])
