"""Batch normalization gives the same outputs, losses, gradients and running statistics as in RETURNN."""

import numpy as np
import pytest

from boulder.network import describe, run_network
from boulder.network.behavior_version import with_behavior_version
from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 6, "shape": (None, 6)}, "classes": {"dim": 3, "sparse": True, "shape": (None,)}}
RAGGED = {"data": [5, 2, 4], "classes": [5, 2, 4]}
EQUAL = {"data": [5, 5], "classes": [5, 5]}
H = {"h": {"class": "linear", "from": "data", "n_out": 6, "activation": "tanh"}}
OUTPUT = {"output": {"class": "softmax", "from": "x", "loss": "ce", "target": "classes"}}
NEWER = {"momentum": 0.1, "update_sample_only_in_training": True, "delay_sample_update": True, "param_version": 2}


def norm(**options):
    return H | {"x": {"class": "batch_norm", "from": "h", **options}} | OUTPUT


def on(layer):
    return H | {"x": {"from": "h", "batch_norm": True, **layer}} | OUTPUT


LOOP = H | {
    "r": {
        "class": "rec", "from": "h",
        "unit": {
            "x": {"class": "batch_norm", "from": "data:source"},
            "output": {"class": "linear", "from": ["x", "prev:output"], "n_out": 4, "activation": "tanh"},
        },
    },
    "x": {"class": "copy", "from": "r"},
} | OUTPUT  # fmt: skip
FILTER = {"class": "conv", "n_out": 6, "filter_size": (3,), "padding": "same", "with_bias": True}
NETS = {
    "default": norm(),
    **{f"version {i}": norm(param_version=i, masked_time=True) for i in (1, 2)},
    "newer": norm(masked_time=True, **NEWER),
    "in part running": norm(use_sample=0.3),
    "in part running, delayed": norm(use_sample=0.3, delay_sample_update=True, force_sample=True),
    "running": norm(use_sample=1, momentum=0.2),
    "without scale": norm(use_std=False, epsilon=1e-2),
    "without shift": norm(use_shift=False),
    "frozen": norm(trainable=False),
    "of two": H | {"x": {"class": "batch_norm", "from": ["h", "data"]}} | OUTPUT,
    "with heads": H | {
        "s": {"class": "split_dims", "from": "h", "axis": "F", "dims": (2, 3)},
        "n": {"class": "batch_norm", "from": "s"},
        "x": {"class": "merge_dims", "from": "n", "axes": "static"},
    } | OUTPUT,
    "moved out of a loop": LOOP,
    "option of linear": on({"class": "linear", "n_out": 4, "activation": "relu"}),
    "option of rec": on({"class": "rec", "unit": "nativelstm2", "n_out": 4}),
    "option of activation": on({"class": "activation", "activation": "tanh"}),
}  # fmt: skip
FUSED = {
    "fused": norm(masked_time=False, **NEWER),
    "fused, small epsilon": norm(masked_time=False, epsilon=1e-6, **NEWER),
    "not masked": norm(masked_time=False),
    "option of conv": on(FILTER | {"batch_norm": {"momentum": 0.1, "param_version": 1}}),
}
VERSION_12 = {
    "version 12": norm(masked_time=True),
    "version 12, option": on({"class": "copy", "batch_norm": {"masked_time": True}}),
}


def cases():
    nets = {key: (net, RAGGED, 0) for key, net in NETS.items()}
    nets |= {key: (net, EQUAL, 0) for key, net in FUSED.items()}
    nets |= {key: (net, RAGGED, 12) for key, net in VERSION_12.items()}
    for key, (net, lengths, version) in nets.items():
        ours = with_behavior_version(net, version)
        for train in (True, False):
            case = network_case(ours, EXTERN_DATA, lengths, ("x",)) | {
                "net": net,
                "behavior_version": version,
                "train": train,
            }
            case["params"] = {path: _positive(path, value) for path, value in case["params"].items()}
            yield (key, train), case | {"steps": 3 if train else 1}, ours


def _positive(path, value):
    return np.abs(value) + 0.5 if "variance" in path else value


@pytest.fixture(scope="module")
def results(returnn):
    found = list(cases())
    expected = run_cases(returnn, {key: case for key, case, _ in found})
    return {key: (case | {"net": ours}, expected[key][1]) for key, case, ours in found}


@pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("key", [*NETS, *FUSED, *VERSION_12])
def test_batch_norm(key, train, results):
    case, expected = results[key, train]
    assert "error" not in expected, expected
    spec = describe(case["net"], EXTERN_DATA)
    for _ in range(case["steps"] - 1):
        updates = run_network(spec, case["params"], case["data"], case["lengths"], train=train).updates
        case["params"] |= {path: value.numpy() for path, value in updates.items()}
    compare(case, expected, train=train)
    if train:
        updates = run_network(spec, case["params"], case["data"], case["lengths"], train=True).updates
        assert set(updates) == {path for path, param in spec.params.items() if param.statistic}
        for path, value in updates.items():
            np.testing.assert_allclose(value, expected["after"][path], rtol=1e-5, atol=1e-6, err_msg=path)
