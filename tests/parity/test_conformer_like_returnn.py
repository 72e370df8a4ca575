"""A Conformer with batch norm, depthwise convolution and relative positions gives the same numbers as in RETURNN."""

import numpy as np
import pytest

from boulder.network import describe, run_network
from boulder.network.behavior_version import with_behavior_version
from tests.conformer import block
from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 6, "shape": (None, 6)}, "classes": {"dim": 5, "sparse": True, "shape": (None,)}}
# sequences of equal lengths, since a convolution reads the padding in RETURNN
LENGTHS = {"data": [9, 9, 9], "classes": [3, 2, 3]}
ALL_OPTIONS = {
    "momentum": 0.1, "epsilon": 1e-3, "update_sample_only_in_training": True, "delay_sample_update": True, "masked_time": True,
}  # fmt: skip
NORMS = {
    "as in version 0": ({}, 0),
    "with all options": (ALL_OPTIONS | {"param_version": 0}, 0),
    "as in version 12": ({"masked_time": True}, 12),
    "not masked": ({"masked_time": False}, 12),
}
STEPS = 3


def conformer(norm: dict) -> dict:
    blocks = {"dim": 6, "heads": 2, "kernel": 3, "clipping": 4, "norm": norm}
    return {
        "front": {
            "class": "conv", "from": "data", "n_out": 6, "filter_size": (3,), "strides": 2, "padding": "same", "with_bias": True,
            "activation": "relu",
        },
        **block("conformer_1", "front", **blocks),
        **block("conformer_2", "conformer_1", **blocks),
        "output": {"class": "softmax", "from": "conformer_2", "loss": "ctc", "target": "classes"},
    }  # fmt: skip


@pytest.fixture(scope="module")
def results(returnn):
    cases = {}
    for name, (norm, version) in NORMS.items():
        for train in (True, False):
            net = conformer(norm)
            case = network_case(with_behavior_version(net, version), EXTERN_DATA, LENGTHS, ("conformer_2",), scale=0.4)
            case["params"] = {p: abs(v) + 0.3 if "variance" in p else v for p, v in case["params"].items()}
            case |= {"net": net, "behavior_version": version, "train": train, "steps": STEPS if train else 1}
            cases[name, train] = case
    return run_cases(returnn, cases)


@pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", NORMS)
def test_outputs_losses_gradients_and_running_statistics(name, train, results):
    case, expected = results[name, train]
    case = case | {"net": with_behavior_version(case["net"], case["behavior_version"])}
    spec = describe(case["net"], EXTERN_DATA)
    for step in range(case["steps"]):
        if step == case["steps"] - 1:
            expected["losses"]["output"].pop("error", None)  # RETURNN decodes otherwise outside of training
            compare(case, expected, 2e-5, train=train)
        updates = run_network(spec, case["params"], case["data"], case["lengths"], train=train).updates
        case["params"] |= {path: value.numpy() for path, value in updates.items()}
    if train:
        assert len(updates) == 4
        for path, value in updates.items():
            np.testing.assert_allclose(value, expected["after"][path], rtol=2e-5, atol=1e-5, err_msg=path)
