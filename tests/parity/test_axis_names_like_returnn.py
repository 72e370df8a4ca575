"""Descriptions of axes mean the same axes as in RETURNN: the sums over them are equal."""

import pytest

from boulder.returnn.provided.dims import FeatureDim, SpatialDim, batch_dim
from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
TIME, INPUT = SpatialDim("frames"), FeatureDim("input", 6)
HEADS, PART = SpatialDim("heads", 2), FeatureDim("part", 3)
PLAIN = {"data": {"dim": 6, "shape": (None, 6)}}
NAMED = {"data": {"dim": 6, "shape": (None, 6), "dim_tags": [batch_dim, TIME, INPUT]}}
LENGTHS = {"data": [5, 2]}
DESCRIPTIONS = [
    "T", "time", "F", "feature", "T?", "TF", "spatial", "spatial:0", "spatial:1", "spatial:-1", "s:0", "spatial_except_time",
    "dyn", "dynamic", "dyn:0", "d:0", "static", "static:0", "static:-1", "dim:2", "dim:3", "except_time", "except_batch",
    "except_batch:0", "except_batch:-1", "non_spatial", 1, 2, -1, -2, [1, 2], ["T", "F"], ["static:0", "T"], ["dim:2", "static"],
    "stag:time", "stag:data", "tag:data", "stag-single:0:data", "stag-single:-1:time",
]  # fmt: skip
OF_DIMS = [
    "stag:frames",
    "stag:heads",
    "tag:part",
    "stag-single:0:frames",
    TIME,
    HEADS,
    PART,
    [TIME, PART],
    [HEADS, "T"],
]
CASES = {str(axes): (PLAIN, axes) for axes in DESCRIPTIONS} | {f"{axes} of Dims": (NAMED, axes) for axes in OF_DIMS}


def made(name):
    """:return: case of tests.parity.comparing"""
    extern_data, axes = CASES[name]
    dims = (2, 3) if extern_data is PLAIN else (HEADS, PART)
    axis = "F" if extern_data is PLAIN else INPUT
    net = {
        "s": {"class": "split_dims", "from": "data", "axis": axis, "dims": dims},
        "output": {"class": "reduce", "from": "s", "mode": "sum", "axes": axes},
    }
    return network_case(net, extern_data, LENGTHS)


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(returnn, {name: made(name) for name in CASES})


@pytest.mark.parametrize("name", CASES)
def test_the_sums_match(results, name):
    compare(*results[name])
