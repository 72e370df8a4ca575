"""Further losses have RETURNN's numbers. Not among them are `triplet_loss`, whose target has a static axis in RETURNN, and
`deep_clustering`, which RETURNN cannot build with TensorFlow 2.
"""

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
