"""`darc1` and `spatial_smoothing`, against their formulas; tests/parity compares them with RETURNN."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network

EXTERN_DATA = {"data": {"dim": 9}}
DATA = np.random.default_rng(0).normal(size=(2, 3, 9)).astype("float32")
LENGTHS = np.array([3, 1], "int32")
LAYER = {"class": "activation", "activation": "tanh", "from": "data"}


def run(train: bool = True, **options):
    net = {"layer": LAYER | options, "output": {"class": "copy", "from": "layer", "loss": "as_is"}}
    return run_network(describe(net, EXTERN_DATA), {}, {"data": DATA}, {"data": LENGTHS}, train=train)


def test_darc1_sums_what_the_activation_receives_without_the_padding():
    expected = abs(DATA[0]).sum(0) + abs(DATA[1, 0])
    np.testing.assert_allclose(run(darc1=0.1).magnitudes["layer"], expected, rtol=1e-6)


def test_spatial_smoothing_compares_a_unit_with_its_neighbours_in_a_grid_without_borders():
    x = np.tanh(np.concatenate([DATA[0], DATA[1, :1]])).reshape(-1, 3, 3)
    mean = (x.sum((1, 2), keepdims=True) - x) / 8  # in a grid of 3 by 3, all others are neighbours
    np.testing.assert_allclose(run(spatial_smoothing=0.1).roughness["layer"], ((x - mean) ** 2).sum(), rtol=1e-5)


def test_only_training_computes_them():
    found = run(train=False, darc1=0.1, spatial_smoothing=0.1)
    assert found.magnitudes == found.roughness == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"darc1": -1.0}, "'darc1' must be 0 or more, found -1.0"),
        ({"L2": -1.0}, "'L2' must be 0 or more, found -1.0"),
        ({"param_variational_noise": -1.0}, "'param_variational_noise' must be 0 or more, found -1.0"),
        (
            {"class": "linear", "n_out": 10, "spatial_smoothing": 0.1},
            "'spatial_smoothing' arranges the 10 units in a grid of 5 by 2, but needs 3 by 3 or more",
        ),
        (
            {"class": "reduce", "mode": "sum", "axis": "t", "darc1": 0.1},
            "needs an output with the axes batch, time and",
        ),
    ],
)
def test_wrong_options_are_errors(options, message):
    layer = {
        key: value
        for key, value in (LAYER | options).items()
        if options.get("class") != "reduce" or key != "activation"
    }
    with pytest.raises(NetworkError) as error:
        describe({"layer": layer, "output": {"class": "copy", "from": "layer", "loss": "as_is"}}, EXTERN_DATA)
    assert message in str(error.value)


def test_layers_in_loops_are_refused():
    unit = {"output": {"class": "linear", "n_out": 9, "from": ["data:source", "prev:output"], "darc1": 0.1}}
    net = {"loop": {"class": "rec", "unit": unit, "from": "data", "loss": "as_is"}, "output": LAYER | {"from": "loop"}}
    with pytest.raises(NetworkError, match="'darc1' works for layers of the top level only, not in loops"):
        describe(net, EXTERN_DATA)
