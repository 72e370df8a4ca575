"""Costs and errors of frames, by the layer `loss`, are RETURNN's."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 4, "shape": (None, 4)},
    "classes": {"dim": 4, "sparse": True, "shape": (None,)},
    "labels": {"dim": 3, "sparse": True, "shape": (None,)},
    "dense": {"dim": 4, "shape": (None, 4)},
}
LENGTHS = {"data": [9, 7, 6], "classes": [9, 7, 6], "labels": [4, 3, 4], "dense": [9, 7, 6]}


def of_frames(source: dict, **options) -> tuple[dict, tuple]:
    layer = {"class": "loss", "from": "p", "target_": "classes", "loss": "as_is", **options}
    return {"p": source, "x": layer, "output": {"class": "copy", "from": "data"}}, ("x",)


SOFTMAX = {"class": "softmax", "from": "data", "n_out": 4}


CASES = {
    "costs": of_frames(SOFTMAX, loss_="ce"),
    "costs, smoothed": of_frames(SOFTMAX, loss_="ce", loss_opts_={"label_smoothing": 0.1}),
    "errors": of_frames(SOFTMAX, loss_="ce", use_error=True),
    "parts": (
        {
            "p": SOFTMAX,
            "x": {"class": "loss", "from": "p", "target_": "classes", "loss_": "ce", "use_error": True},
            "cost": {"class": "copy", "from": "x/loss", "loss": "as_is"},
            "error": {"class": "copy", "from": "x/error", "is_output_layer": True},
            "output": {"class": "copy", "from": "data"},
        },
        ("cost", "error"),
    ),
}


@pytest.fixture(scope="module")
def results(returnn):
    cases = {name: network_case(network, EXTERN_DATA, LENGTHS, layers) for name, (network, layers) in CASES.items()}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", CASES)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])
