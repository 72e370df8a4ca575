"""Further losses have RETURNN's numbers."""

import numpy as np
import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 4, "shape": (None, 4)},
    "dense": {"dim": 3, "shape": (None, 3)},
    "classes": {"dim": 3, "sparse": True, "shape": (None,)},
    "longer": {"dim": 3, "sparse": True, "shape": (None,)},
}
LENGTHS = {"data": [9, 6, 1], "dense": [9, 6, 1], "classes": [9, 6, 1], "longer": [7, 8, 2]}


def loss(name: str, target: str, activation=None, **loss_opts) -> dict:
    layer = {"class": "linear", "from": "data", "n_out": 3, "activation": activation}
    return {"output": {**layer, "loss": name, "target": target, "loss_opts": loss_opts}}


CASES = {
    "l1": (loss("l1", "dense"), ("output",)),
    "sse_sigmoid": (loss("sse_sigmoid", "dense"), ("output",)),
    "generic_ce of exp": (loss("generic_ce", "classes", "exp"), ("output",)),
    "generic_ce of sigmoid": (loss("generic_ce", "classes", "sigmoid"), ("output",)),
    "fake_upper_bound": (loss("ce", "classes", "softmax", fake_upper_bound=0.8), ("output",)),
    "fake_upper_bound of probabilities": (loss("ce", "classes", "sigmoid", fake_upper_bound=0.8), ("output",)),
    "bleu": (
        {
            "output": {"class": "reduce", "mode": "argmax", "axis": "F", "from": "x", "loss": "bleu", "target": "longer"},
            "x": {"class": "linear", "from": "data", "n_out": 3, "activation": None},
        },
        ("output",),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def results(returnn):
    cases = {name: network_case(network, EXTERN_DATA, LENGTHS, layers) for name, (network, layers) in CASES.items()}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", CASES)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])


TRIPLETS = {
    "data": {"dim": 4, "shape": (4,), "time_dim_axis": None},
    "labels": {"dim": 4, "sparse": True, "shape": (3,), "time_dim_axis": None},
}
"""RETURNN needs the classes of the three samples along a static axis; they are a sequence here"""


def triplets(margin: float, views: int) -> dict:
    options = {"margin": margin, "multi_view_training": views == 2}
    layer = {"class": "linear", "from": "data", "n_out": 6 * views, "activation": None}
    return {"output": {**layer, "loss": "triplet_loss", "target": "labels", "loss_opts": options}}


def clusters(size: int) -> dict:
    return loss("deep_clustering", "bins", "tanh", embedding_dimension=size, nr_of_sources=size)


OF_TRIPLETS = {"one view": triplets(0.7, 1), "two views": triplets(1.3, 2)}
OF_CLUSTERS = {"clusters of a bin": clusters(3), "clusters of bins": clusters(1)}


@pytest.fixture(scope="module")
def of_groups(returnn):
    """:return: name → case of Boulder, RETURNN's result"""
    rng, cases, ours = np.random.default_rng(3), {}, {}
    known = {"data": TRIPLETS["data"], "labels": {"dim": 4, "sparse": True}}
    for name, network in OF_TRIPLETS.items():
        case = network_case(network, known, {"data": [1] * 4, "labels": [3] * 4})
        data = {"data": rng.normal(size=(4, 4)).astype("float32"), "labels": rng.integers(0, 3, (4, 3)).astype("int32")}
        ours[name] = case | {"data": data, "lengths": {"labels": case["lengths"]["labels"]}}
        cases[name] = ours[name] | {"extern_data": TRIPLETS}
    streams = {"data": EXTERN_DATA["data"], "bins": {"dim": 3, "shape": (None, 3)}}
    for name, network in OF_CLUSTERS.items():
        ours[name] = network_case(network, streams, {"data": [9, 6, 1], "bins": [9, 6, 1]})
        cases[name] = ours[name] | {"clustered": 3}
    return {name: (ours[name], result) for name, (_, result) in run_cases(returnn, cases).items()}


@pytest.mark.parametrize("name", [*OF_TRIPLETS, *OF_CLUSTERS])
def test_losses_of_groups_match(of_groups, name):
    compare(*of_groups[name])
