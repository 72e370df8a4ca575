"""With each `behavior_version`, layers have the parameters and numbers that RETURNN gives them."""

import pytest

from boulder.network.behavior_version import with_behavior_version
from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 6, "shape": (None, 6)}}
LENGTHS = {"data": [5, 5, 5]}
SPLIT = {
    "h": {"class": "linear", "from": "data", "n_out": 6, "activation": "tanh"},
    "s": {"class": "split_dims", "from": "h", "axis": "F", "dims": (2, 3)},
}
NETWORKS = {
    "conv": {
        "output": {"class": "conv", "from": "data", "filter_size": (3,), "padding": "same", "n_out": 2},
    },
    "merge_dims": SPLIT | {
        "m": {"class": "merge_dims", "from": "s", "axes": ["dim:3", "dim:2"]},
        "output": {"class": "linear", "from": "m", "n_out": 2},
    },
    "dot": SPLIT | {
        "w": {"class": "linear", "from": "data", "n_out": 3},
        "output": {"class": "dot", "from": ["s", "w"], "reduce": "F"},
    },
    "dot without second axes": SPLIT | {
        "v": {"class": "reduce", "from": "s", "mode": "mean", "axes": ["T", "dim:2"]},
        "d": {"class": "dot", "from": ["s", "v"], "red1": "dim:3", "red2": "dim:3", "var1": ["T", "dim:2"], "var2": None},
        "output": {"class": "linear", "from": "d", "n_out": 2},
    },
}  # fmt: skip
CASES = {
    (name, version): network
    for name, network in NETWORKS.items()
    for version in (0, 3, 6, 10, 12, 21, 22, 38)
    if not (name == "dot" and version < 3) and (name != "dot without second axes" or version in (0, 3))
}


@pytest.fixture(scope="module")
def results(returnn):
    cases = {}
    for (name, version), network in CASES.items():
        case = network_case(with_behavior_version(network, version), EXTERN_DATA, LENGTHS)
        cases[name, version] = case | {"net": network, "behavior_version": version}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("key", CASES, ids=str)
def test_layers_have_the_numbers_of_returnn(results, key):
    case, expected = results[key]
    compare(case | {"net": with_behavior_version(case["net"], key[1])}, expected)
