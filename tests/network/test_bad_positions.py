"""Wrong options of `gather`, `gather_nd`, `scatter_nd`, `switch`, `length` and `seq_len_mask` are refused with one line."""

import pytest

from boulder.errors import NetworkError
from boulder.network import describe

EXTERN_DATA = {"data": {"dim": 5}, "labels": {"dim": 3, "sparse": True}, "vector": {"dim": 4, "time_dim_axis": None}}
LAYERS = {
    "number": {"class": "reduce", "from": "data", "mode": "argmax", "axes": "F"},
    "best": {"class": "reduce", "from": "vector", "mode": "argmax", "axes": "F"},
    "vector": {"class": "linear", "from": "data:vector", "n_out": 4, "activation": None},
    "true": {"class": "compare", "from": "data", "value": 0.0},
}


def gather(**options):
    return {"class": "gather", "from": "data", "position": "best", "axis": "T", **options}


def scatter(**options):
    given = {"position": "number", "position_axis": "T", "output_dim_via_time_from": "data", **options}
    return {"class": "scatter_nd", "from": "data", **given}


def switch(**options):
    return {"class": "switch", "condition": "true", "true_from": "data", "false_from": 0.0, **options}


def mask(**options):
    return {"class": "seq_len_mask", "from": "data", "mask_value": 0.0, **options}


BAD = [
    ({"class": "gather", "from": "data", "axis": "T"}, "option 'position' is missing"),
    (gather(position="vector"), "'position' must be of int32 or int64, but 'vector' is"),
    (gather(position=7, axis="F"), "'position' must be from 0 to below the size of feature:5, found 7"),
    (gather(position="bst"), "'position' names 'bst', which is no layer; did you mean 'best'?"),
    (gather(axis="B"), "gathers entries of each sequence, but the axis is batch"),
    (gather(axis="dim:9"), "there is no axis of that size"),
    ({"class": "gather_nd", "from": "vector", "position": 1}, "option 'position' must be a string, found 1"),
    ({"class": "gather_nd", "from": "best", "position": "best"}, "needs an axis beside the batch"),
    (scatter(position="data"), "'position' must be of int32 or int64"),
    (scatter(position_axis="B"), "'position_axis' must be an axis of each sequence"),
    (scatter(output_dim_via_time_from="vector"), "'output_dim_via_time_from' needs a time axis"),
    (scatter(**{"from": "true"}), "adds numbers, but its input is"),
    (switch(condition="data"), "'condition' must be of bool, but 'data' is"),
    (switch(condition=lambda **_: 1), "must return True or False, found 1"),
    (switch(true_from=None), "'true_from' must be a layer or a number, found None"),
    (switch(false_from="labels_"), "'false_from' names 'labels_', which is no layer"),
    (switch(false_from="data:labels"), "must have the same dtype and classes"),
    (switch(true_from="number", false_from=0.5), "the value 0.5 does not fit int32"),
    (switch(**{"from": "data"}), "takes no 'from'"),
    ({"class": "length", "from": ["data", "vector"]}, "takes one source, found 2"),
    ({"class": "length", "from": "data", "axis": "sparse_dim"}, "needs class indices"),
    ({"class": "length", "from": "data", "axis": "F", "add_time_axis": True}, "needs a length for each sequence"),
    ({"class": "length", "from": "vector"}, "axis 'T': there is no such axis"),
    (mask(axis="F"), "'axis' needs sequences with lengths"),
    (mask(**{"from": "number"}), "needs float values"),
    (mask(window_size=2), "'window_start' and 'window_size' must be given together"),
    (mask(start="data"), "'start' must have one int per sequence"),
    (mask(seq_len_source="vector"), "'seq_len_source' needs a time axis"),
    (mask(mask_value=float("inf")), "'mask_value' must be a number"),
]


@pytest.mark.parametrize(("layer", "message"), BAD)
def test_bad_input(layer, message):
    with pytest.raises(NetworkError) as error:
        describe(LAYERS | {"x": {**layer, "is_output_layer": True}}, EXTERN_DATA)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_constant_condition_needs_no_other_layer():
    for condition in (True, lambda network, **_: network.train_flag):
        spec = describe(LAYERS | {"output": switch(condition=condition, false_from="missing")}, EXTERN_DATA)
        assert list(spec.layers) == ["output"]
