"""All forms of `extern_data`, compared with RETURNN 1.20261022.211313."""

import pytest

from boulder.data.streams import read_extern_data
from boulder.errors import ConfigError, DataError
from boulder.network import describe
from boulder.returnn.config_object import Config
from boulder.returnn.extern_data import extern_data, for_networks
from boulder.returnn.provided.dims import Data, Dim, FeatureDim, SpatialDim, batch_dim
from boulder.schedule.canonical import canonical

TIME = SpatialDim("time")
LABELS = {"dim": 9, "shape": (None,), "sparse": True, "available_for_inference": False}
FEATURES = {"dim": 5, "shape": (None, 5), "available_for_inference": True}
SPARSE = {"dim": 5, "shape": (None,), "sparse": True, "available_for_inference": True}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"num_inputs": 5, "num_outputs": 9}, {"classes": LABELS, "data": FEATURES}),
        ({"num_inputs": 5, "num_outputs": {"classes": 9}}, {"classes": LABELS, "data": FEATURES}),
        ({"num_inputs": 5, "num_outputs": {"classes": [9, 1]}}, {"classes": LABELS, "data": FEATURES}),
        ({"num_outputs": {"data": (5, 2), "classes": (9, 1)}}, {"classes": LABELS, "data": FEATURES}),
        ({"num_outputs": {"data": 5, "classes": 9}}, {"classes": LABELS, "data": FEATURES}),
        ({"num_inputs": 5, "num_outputs": 9, "target": "c"}, {"c": LABELS, "data": FEATURES}),
        ({"num_inputs": 5, "num_outputs": 9, "sparse_input": True}, {"classes": LABELS, "data": SPARSE}),
        ({"num_outputs": {"data": [5, 1], "classes": [9, 1]}}, {"classes": LABELS, "data": SPARSE}),
        ({"extern_data": {"data": (5, 2), "classes": [9, 1]}, "num_inputs": 3}, {"classes": LABELS, "data": FEATURES}),
        ({"extern_data": {"x": (5, 2)}, "default_input": "x"}, {"x": FEATURES}),
        (
            {"extern_data": {"data": {"dim": 5, "dtype": "float16"}}},
            {"data": {"dim": 5, "dtype": "float16", "available_for_inference": True}},
        ),
        ({"extern_data": {"data": {"dims": [batch_dim, SpatialDim("t"), FeatureDim("f", 5)]}}}, {"data": FEATURES}),
        ({"extern_data": {"data": Data("x", dims=[batch_dim, Dim(None, name="t"), Dim(5)])}}, {"data": FEATURES}),
        ({"extern_data": {"data": {"dim_tags": [batch_dim, Dim()], "sparse_dim": Dim(5)}}}, {"data": SPARSE}),
        ({}, {}),
    ],
)
def test_valid_entries(options, expected):
    found = extern_data(Config(options))
    assert for_networks(found, []) == expected
    read_extern_data(found)


def test_dims_stay_for_networks_that_name_them():
    data = {"dim_tags": [batch_dim, TIME, FeatureDim("input", 5)]}
    labels = {"dims": [batch_dim, TIME], "sparse_dim": Dim(9, name="labels"), "vocab": {}}
    found = extern_data(Config({"extern_data": {"data": data, "classes": labels}}))
    plain = {"a": {"class": "copy", "axes": ["T"]}}
    assert for_networks(found, [plain]) == {"data": FEATURES, "classes": LABELS}
    kept = for_networks(found, [plain, {"a": {"class": "reduce", "axes": {TIME}}}])
    assert kept == {
        "data": {**FEATURES, "dim_tags": data["dim_tags"]},
        "classes": {**LABELS, "dim_tags": labels["dims"], "sparse_dim": labels["sparse_dim"]},
    }
    spec = describe({"output": {"class": "reduce", "mode": "mean", "axis": TIME, "from": "data"}}, canonical(kept))
    assert str(spec.layers["output"].template) == "[batch, feature:5 'input'] float32"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"extern_data": 3}, "extern_data: found 3, expected a dict of data keys"),
        ({"extern_data": {"a": (1, 0)}}, "extern_data['a']: found ndim 0, expected 1 for labels, 2 for features"),
        ({"num_outputs": {"a": "b"}, "num_inputs": 1}, "extern_data['a']: found 'b', expected a dict, or (dim, ndim)"),
        ({"num_outputs": 3}, "found num_outputs, but no num_inputs; expected extern_data, or both"),
    ],
)
def test_invalid_entries(options, message):
    with pytest.raises(ConfigError) as error:
        extern_data(Config(options))
    assert str(error.value) == message


def test_a_misspelt_key_of_a_stream_is_refused_as_by_returnn():
    every = read_extern_data({"data": {"dim": 3, "batch_dim_axis": 0, "feature_dim_axis": -1, "version": 1}})
    assert every["data"].dim == 3
    with pytest.raises(DataError, match=r"extern_data\['classes'\]: found 'sprase', .*; did you mean 'sparse'\?"):
        read_extern_data({"classes": {"dim": 3, "sprase": True}})
