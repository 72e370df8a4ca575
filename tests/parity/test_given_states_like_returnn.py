"""Recurrent units whose state other layers give, and units over windows, give the same numbers as in RETURNN."""

import pytest

from boulder.returnn.provided.dims import SpatialDim
from tests.parity.comparing import compare, network_case, run_cases
from tests.parity.published_style import linear

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 5, "shape": (None, 5)}, "align": {"dim": 5, "sparse": True, "shape": (None,)}}
LENGTHS = {"data": [7, 4, 6], "align": [7, 4, 6]}
WINDOW = SpatialDim("window", 3)


def tanh(source, n_out, **options):
    return linear(source, n_out, "tanh", **options)


def with_loss(**layers) -> dict:
    return layers | {"output": {"class": "softmax", "from": "s", "loss": "ce", "target": "align"}}


def over_windows(source) -> dict:
    return {
        "windows": {"class": "window", "window_dim": WINDOW, "window_right": 0, "from": source},
        "backwards": {
            "class": "rec",
            "unit": "nativelstm2",
            "axis": WINDOW,
            "n_out": 4,
            "direction": -1,
            "from": "windows",
        },
        "first": {"class": "slice", "axis": WINDOW, "slice_end": 1, "from": "backwards"},
        "squeezed": {"class": "squeeze", "axis": "dim:1", "from": "first"},
    }


def looped(unit: dict, **options) -> dict:
    return with_loss(s={"class": "rec", "from": "data", "unit": unit, **options})


KEPT_IN = {"optimize_move_layers_out": False}
IN_LOOP = {
    "c": tanh(["data:source", "prev:h"], 4),
    "h": {"class": "rnn_cell", "unit": "GRU", "n_out": 4, "from": "data:source", "state": "c"},
    "output": tanh("h", 5),
}
NETWORKS = {
    "a single step": with_loss(
        mean={"class": "reduce", "mode": "mean", "axes": "T", "from": "data"},
        cell=tanh("mean", 4),
        hidden=tanh("mean", 4),
        step={"class": "rec", "unit": "lstm", "n_out": 4, "from": "mean", "state": {"h": "hidden", "c": "cell"}},
        s={"class": "combine", "kind": "add", "from": ["step", "frames"]},
        frames=tanh("data", 4),
    ),
    "a given state in a loop": looped(IN_LOOP),
    "windows": with_loss(**over_windows("data"), s=tanh("squeezed", 5)),
    "windows in a loop": looped(over_windows("data:source") | {"output": tanh("squeezed", 5)}),
    "windows kept in a loop": looped(over_windows("data:source") | {"output": tanh("squeezed", 5)}, **KEPT_IN),
}


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(
        returnn, {key: network_case(net, EXTERN_DATA, LENGTHS, ("s", "output")) for key, net in NETWORKS.items()}
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])
