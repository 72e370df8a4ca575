"""The score that says how well a network solves its task."""

import pytest

from boulder.network import describe

EXTERN_DATA = {
    "data": {"dim": 4},
    "classes": {"dim": 4, "sparse": True},
    "spectrum": {"dim": 4},
}
OUTPUT = {"class": "softmax", "from": "data", "target": "classes"}
REGRESSION = {"class": "linear", "from": "data", "n_out": 4, "target": "spectrum", "loss": "mse"}
AUX = OUTPUT | {"loss": "ce"}


@pytest.mark.parametrize(
    ("network", "measure"),
    [
        ({"output": AUX}, "error:output"),
        ({"output": OUTPUT | {"n_out": 5, "loss": "ctc"}}, "error:output"),
        ({"output": REGRESSION}, "cost:output"),
        ({"output": REGRESSION | {"loss": "mean_l1"}}, "cost:output"),
        ({"output": REGRESSION | {"target": "classes"}}, "error:output"),  # classes, one-hot encoded
        ({"output": REGRESSION, "stop": AUX}, "cost:output"),
        ({"output": AUX | {"loss_scale": 0}, "stop": AUX}, "error:stop"),
        (
            {
                "output": AUX,
                "best": {
                    "class": "reduce",
                    "mode": "argmax",
                    "axis": "f",
                    "from": "output",
                    "loss": "edit_distance",
                    "target": "classes",
                },
            },
            "error:best",
        ),
        ({"output": {"class": "copy", "from": "data", "loss": "as_is"}}, "cost:output"),
        ({"output": {"class": "copy", "from": "data"}}, None),
    ],
)
def test_the_measure(network, measure):
    assert describe(network, EXTERN_DATA).measure == measure
