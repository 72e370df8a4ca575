"""Data streams whose frames have further axes give the same numbers as in RETURNN."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases
from tests.parity.published_style import linear, lstm

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 4, "shape": (None, 3, 4)},
    "image": {"dim": 5, "shape": (6, 5)},
    "classes": {"dim": 5, "sparse": True, "shape": (None,)},
}
LENGTHS = {"data": [5, 2, 4], "image": [6, 6, 6], "classes": [5, 2, 4]}
CONV = {"class": "conv", "n_out": 3, "filter_size": (3,), "padding": "same", "activation": "relu"}


def with_loss(**layers) -> dict:
    return layers | {"output": {"class": "softmax", "from": "x", "loss": "ce", "target": "classes"}}


NETWORKS = {
    "features": with_loss(h=linear("data", 5, "tanh"), x={"class": "reduce", "mode": "max", "axes": "dim:3", "from": "h"}),
    "merged": with_loss(m={"class": "merge_dims", "axes": "static", "from": "data"}, x=lstm("m", 4)),
    "convolved": with_loss(
        c={**CONV, "in_spatial_dims": ["dim:3"], "from": "data"},
        x={"class": "merge_dims", "axes": "static", "from": "c"},
    ),
    "channels": with_loss(
        c={**CONV, "filter_size": (3, 3), "in_spatial_dims": ["T", "dim:3"], "use_time_mask": True, "from": "data"},
        x={"class": "merge_dims", "axes": "static", "from": "c"},
    ),
    "in a loop": with_loss(x={"class": "rec", "from": "data", "unit": {
        "mean": {"class": "reduce", "mode": "mean", "axes": "dim:3", "from": "data:source"},
        "output": linear(["mean", "prev:output"], 4, "tanh"),
    }}),
    "an image": with_loss(
        i=linear("data:image", 4, "tanh"),
        v={"class": "reduce", "mode": "max", "axes": "dim:6", "from": "i"},
        d={"class": "reduce", "mode": "mean", "axes": "dim:3", "from": "data"},
        x={"class": "combine", "kind": "add", "from": ["d", "v"]},
    ),
    "code": with_loss(
        r={"class": "eval", "from": "data", "eval": "tf.reduce_sum(source(0, auto_convert=False), axis=2)", "out_type": {"shape": (None, 4)}},
        x=linear("r", 4, "tanh"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(returnn, {key: network_case(net, EXTERN_DATA, LENGTHS, ("x",)) for key, net in NETWORKS.items()})


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])
