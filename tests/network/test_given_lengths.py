"""Layers whose new axis has the lengths of an axis that another layer or a data stream gives: values for one sequence."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe, run_network
from boulder.returnn.provided.dims import FeatureDim, SpatialDim, batch_dim

TIME, INPUT, REPEATED = SpatialDim("time"), FeatureDim("input", 2), SpatialDim("repeated")
EXTERN_DATA = {
    "data": {"dim_tags": [batch_dim, TIME, INPUT], "dim": 2},
    "counts": {"dim_tags": [batch_dim, TIME], "dtype": "int32", "shape": (None,), "dim": None},
    "frames": {"dim_tags": [batch_dim, REPEATED, INPUT], "dim": 2},
}
LENGTHS = np.array([5, 2, 1], "int32")
DATA = np.random.default_rng(1).normal(size=(3, 5, 2)).astype("float32")
COUNTS = np.array([[1, 0, 2, 1, 0], [2, 1, 9, 9, 9], [1, 9, 9, 9, 9]], "int32")


def computed(net, frames=None, params=None):
    """:return: output of each sequence, without padding"""
    spec = describe({**net, "output": net["output"] | {"is_output_layer": True}}, EXTERN_DATA)
    data, lengths = {"data": DATA, "counts": COUNTS}, {"data": LENGTHS, "counts": LENGTHS}
    if frames is not None:
        data["frames"], lengths["frames"] = np.zeros((3, max(frames), 2), "float32"), np.array(frames, "int32")
    result = run_network(spec, params or {}, data, lengths)
    x = result.layers["output"]
    sizes = result.lengths[x.template.time.as_time()].numpy()
    return [row[:n] for row, n in zip(x.ordered(x.template.axes).numpy(), sizes, strict=True)]


@pytest.mark.parametrize("size", [2, 3])
def test_a_transposed_convolution_makes_as_many_frames_as_there_were(size):
    net = {
        "half": {"class": "pool", "from": "data", "mode": "max", "pool_size": [2], "padding": "same"},
        "output": {
            "class": "transposed_conv", "from": "half", "filter_size": [size], "strides": 2, "out_spatial_dims": [TIME], "n_out": 1,
            "with_bias": False,
        },
    }  # fmt: skip
    weights = np.arange(1.0, 2 * size + 1, dtype="float32").reshape(size, 1, 1, 2)
    found = computed(net, params={"output/W_native_transposed_conv": tf.constant(weights)})
    for x, n, y in zip(DATA, LENGTHS, found, strict=True):
        half = [x[i : min(i + 2, n)].max(0) for i in range(0, n, 2)]
        whole = np.zeros(2 * len(half) + size)
        for t, frame in enumerate(half):
            whole[2 * t :][:size] += (weights[:, 0, 0] * frame).sum(-1)
        before = max(0, (len(half) - 1) * 2 + size - n) // 2
        np.testing.assert_allclose(y[:, 0], whole[before : before + n], rtol=1e-5, atol=1e-6)


REPEAT = {"class": "repeat", "from": "data", "repetitions": "data:counts", "out_dim": REPEATED}


def test_repeated_frames_are_those_of_the_stream_with_their_dim():
    net = {"r": REPEAT, "output": {"class": "combine", "kind": "add", "from": ["data:frames", "r"]}}
    found = computed(net, [4, 3, 1])
    for x, n, counts, y in zip(DATA, LENGTHS, COUNTS, found, strict=True):
        np.testing.assert_array_equal(y, np.repeat(x[:n], counts[:n], 0))


def test_repeated_frames_that_are_not_as_many_stop():
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"layer 'r': lengths along .* and time:frames differ"):
        computed({"r": REPEAT, "output": {"class": "combine", "kind": "add", "from": ["data:frames", "r"]}}, [4, 4, 1])


def test_the_dim_of_a_stream_that_is_not_read_has_the_lengths_that_a_layer_makes():
    assert [len(y) for y in computed({"output": REPEAT})] == [4, 3, 1]


def test_a_slice_has_the_frames_of_the_dim_that_is_its_size():
    net = {
        "r": REPEAT | {"repetitions": 2, "out_dim": None},
        "output": {"class": "slice_nd", "from": "r", "start": 1, "size": TIME},
    }
    for x, n, y in zip(DATA, LENGTHS, computed(net), strict=True):
        np.testing.assert_array_equal(y, np.repeat(x[:n], 2, 0)[1 : 1 + n])


def test_a_constant_has_time_axes():
    net = {"output": {"class": "constant", "value": 3.0, "shape": (batch_dim, TIME), "shape_deps": ["data"]}}
    assert [y.tolist() for y in computed(net)] == [[3.0] * n for n in LENGTHS]


def test_ranges_are_concatenated_for_each_sequence():
    net = {
        "range": {"class": "range_in_axis", "from": "data", "axis": "T"},
        "output": {"class": "concat", "from": [("range", "T"), ("range", "T")]},
    }
    assert [y.tolist() for y in computed(net)] == [[*range(n), *range(n)] for n in LENGTHS]


def test_the_length_of_a_batch_of_frames_is_their_number():
    net = {
        "flat": {"class": "flatten_batch", "from": "data"},
        "count": {"class": "length", "from": "flat", "axis": "B", "dtype": "float32"},
        "output": {"class": "combine", "kind": "mul", "from": ["data", "count"]},
    }
    for x, n, y in zip(DATA, LENGTHS, computed(net), strict=True):
        np.testing.assert_allclose(y, x[:n] * 8, rtol=1e-6)


def test_an_expression_needs_no_source():
    number = {
        "class": "eval",
        "from": [],
        "eval": "tf.constant(2.0)",
        "out_type": {"shape": (), "batch_dim_axis": None},
    }
    net = {"two": number, "output": {"class": "combine", "kind": "mul", "from": ["data", "two"]}}
    for x, n, y in zip(DATA, LENGTHS, computed(net), strict=True):
        np.testing.assert_array_equal(y, 2 * x[:n])


def test_positions_may_have_a_feature_axis_beside_that_of_the_input():
    net = {
        "best": {"class": "top_k", "from": "data", "axis": "T", "k": 1, "is_output_layer": True},
        "output": {"class": "gather", "from": "data", "position": "numbers", "axis": "F"},
        "numbers": {"class": "constant", "value": [1, 0, 1], "dtype": "int32"},
        "mean": {"class": "gather", "from": "data", "position": "numbers", "axis": "T", "is_output_layer": True},
    }  # fmt: skip
    spec = describe(net, EXTERN_DATA)
    assert str(spec.layers["mean"].template) == "[batch, spatial:3, feature:2 'input'] float32"
    for x, n, y in zip(DATA, LENGTHS, computed({k: net[k] for k in ("numbers", "output")}), strict=True):
        np.testing.assert_array_equal(y, x[:n][:, [1, 0, 1]])
    result = run_network(spec, {}, {"data": DATA}, {"data": LENGTHS}).layers["mean"]
    expected = [[x[i] if i < n else [0, 0] for i in (1, 0, 1)] for x, n in zip(DATA, LENGTHS, strict=True)]
    np.testing.assert_array_equal(result.ordered(result.template.axes).numpy(), expected)


def test_positions_go_with_the_axis_of_their_dim_in_another_role():
    other = FeatureDim("other", 3)
    net = {
        "numbers": {"class": "constant", "value": [[0, 1, 2], [1, 0, 0]], "dtype": "int32", "shape": (INPUT, other)},
        "mean": {"class": "gather", "from": "data", "position": "numbers", "axis": "T", "is_output_layer": True},
    }
    spec = describe(net, EXTERN_DATA)
    assert str(spec.layers["mean"].template) == "[batch, spatial:3 'other', feature:2 'input'] float32"
    found = run_network(spec, {}, {"data": DATA}, {"data": LENGTHS}).layers["mean"]
    for x, n, y in zip(DATA, LENGTHS, found.ordered(found.template.axes).numpy(), strict=True):
        assert y.tolist() == [
            [x[i][f] if i < n else 0 for f, i in enumerate(column)] for column in [(0, 1), (1, 0), (2, 0)]
        ]
