"""`L2`, `darc1` and `spatial_smoothing` add RETURNN's terms to the objective."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe, run_network
from boulder.training import TrainingOptions
from boulder.training.objective import BatchOutput, objective
from tests.parity.comparing import network_case, run_cases

pytestmark = pytest.mark.parity

EXTERN_DATA = {"data": {"dim": 4}, "classes": {"dim": 5, "sparse": True}}
LENGTHS = {"data": [3, 5, 2], "classes": [3, 5, 2]}
LINEAR = {"class": "linear", "n_out": 12, "from": "data", "activation": "tanh"}
OPTIONS = {
    "L2": {"L2": 0.3},
    "darc1": {"darc1": 0.2},
    "darc1 without an activation": {"darc1": 0.2, "activation": None},
    "spatial_smoothing": {"spatial_smoothing": 0.4},
    "spatial_smoothing of 15 units": {"spatial_smoothing": 0.4, "n_out": 15},
    "all": {"L2": 0.1, "darc1": 0.2, "spatial_smoothing": 0.3},
}
RECURRENT = {"class": "rec", "unit": "nativelstm2", "n_out": 9, "from": "data", "darc1": 0.5, "spatial_smoothing": 0.1}

UNIT = {
    "s": {"class": "linear", "activation": "tanh", "n_out": 4, "from": ["data:source", "prev:s"], "L2": 0.2},
    "output": {"class": "linear", "activation": None, "n_out": 3, "from": "s"},
}
LOOP = {"class": "rec", "unit": UNIT, "from": "data", "L2": 0.1}


def network(layer: dict, **output) -> dict:
    return {"layer": layer, "output": {"class": "softmax", "from": "layer", "loss": "ce", **output}}


def test_values_and_gradients_are_those_of_returnn(returnn):
    networks = {name: network(LINEAR | options) for name, options in OPTIONS.items()}
    networks["L2 of a loop"] = network(LOOP)
    networks |= {"an LSTM": network(RECURRENT), "softmax": network(LINEAR, darc1=0.3)}
    cases = {name: network_case(net, EXTERN_DATA, LENGTHS) | {"kind": "constraints"} for name, net in networks.items()}
    for case in cases.values():
        del case["layers"]
    for name, (case, expected) in run_cases(returnn, cases).items():
        spec = describe(case["net"], EXTERN_DATA)
        variables = {path: tf.Variable(value) for path, value in case["params"].items()}
        with tf.GradientTape() as tape:
            found = run_network(spec, variables, case["data"], case["lengths"], train=True)
            terms = BatchOutput({}, found.magnitudes, found.roughness, {})
            value = objective(terms, terms, variables, spec, TrainingOptions(), num_replicas=1)
        gradients = tape.gradient(value, variables)
        np.testing.assert_allclose(value, expected["value"], rtol=1e-5, err_msg=name)
        assert {path for path, gradient in gradients.items() if gradient is not None} >= set(expected["gradients"])
        for path, reference in expected["gradients"].items():
            atol = 1e-5 * max(1e-3, abs(reference).max())
            np.testing.assert_allclose(gradients[path], reference, rtol=1e-5, atol=atol, err_msg=f"{name}, {path}")
