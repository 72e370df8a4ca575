"""`conv` and `pool` against NumPy, on ragged batches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.network import describe, run_network

EXTERN_DATA = {"data": {"dim": 4}}
COUNTS = {"same": lambda n, reach, s: -(-n // s), "valid": lambda n, reach, s: max(0, -(-(n - reach) // s))}


def windows(x, size, stride, dilation, padding, fill):
    """:return: [windows, size, features] of one sequence [T, features], and [windows, size], False for padding"""
    n, reach = len(x), (size - 1) * dilation
    count = COUNTS[padding](n, reach, stride)
    before = max(0, (count - 1) * stride + reach + 1 - n) // 2 if padding == "same" else 0
    index = np.arange(count)[:, None] * stride - before + np.arange(size) * dilation
    real = (index >= 0) & (index < n)
    x = np.concatenate([x, np.full((1, x.shape[1]), fill)])
    return x[np.where(real, index, n)], real


def formula(layer, x, params):
    size, stride = layer.get("filter_size", layer.get("pool_size"))[0], layer["strides"]
    fill = -np.inf if layer.get("mode") == "max" else 0
    entries, real = windows(x, size, stride, layer["dilation_rate"], layer["padding"], fill)
    if layer["class"] == "pool":
        return entries.max(1) if layer["mode"] == "max" else entries.sum(1) / real.sum(1, keepdims=True)
    w, groups = params["output/W"], layer["groups"]
    parts = zip(np.split(entries, groups, -1), np.split(w, groups, -1), strict=True)
    return np.concatenate([np.einsum("tkf,kfo->to", e, p) for e, p in parts], -1) + params["output/bias"]


LAYERS = st.one_of(
    st.fixed_dictionaries(
        {
            "class": st.just("conv"),
            "filter_size": st.tuples(st.integers(1, 4)),
            "groups": st.sampled_from([1, 2, 4]),
            "n_out": st.just(4),
            "with_bias": st.just(True),
        }
    ),
    st.fixed_dictionaries(
        {
            "class": st.just("pool"),
            "mode": st.sampled_from(["max", "avg"]),
            "pool_size": st.lists(st.integers(1, 4), min_size=1, max_size=1),
        }
    ),
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    layer=LAYERS,
    strides=st.integers(1, 3),
    dilation=st.integers(1, 2),
    padding=st.sampled_from(["same", "valid"]),
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=3),
    seed=st.integers(0, 99),
)
def test_each_sequence_of_a_batch_equals_the_formula_and_gradients_are_finite(
    layer, strides, dilation, padding, lengths, seed
):
    import tensorflow as tf

    layer = {**layer, "strides": strides, "padding": padding, "from": "data"}
    # a dilated window may cover padding only
    layer["dilation_rate"] = 1 if layer["class"] == "pool" and padding == "same" else dilation
    spec = describe({"output": layer}, EXTERN_DATA)
    rng = np.random.default_rng(seed)
    params = {path: tf.Variable(rng.normal(size=p.shape), dtype="float32") for path, p in spec.params.items()}
    data = tf.Variable(rng.normal(0, 3, (len(lengths), max(lengths), 4)), dtype="float32")
    with tf.GradientTape() as tape:
        result = run_network(spec, params, {"data": data}, {"data": np.array(lengths, "int32")})
        total = tf.reduce_sum(result.layers["output"].value)
    output = result.layers["output"]
    found = output.ordered(output.template.axes).numpy()
    new = result.lengths[output.template.time].numpy()
    assert found.shape[1] == max(new)
    for row, x, n, count in zip(found, data.numpy(), lengths, new, strict=True):
        expected = formula(layer, x[:n], {path: p.numpy() for path, p in params.items()})
        assert len(expected) == count
        np.testing.assert_allclose(row[:count], expected, rtol=1e-4, atol=1e-4)
    gradients = tape.gradient(total, [data, *params.values()])
    assert all(np.isfinite(gradient.numpy()).all() for gradient in gradients)
    if layer["class"] == "pool":  # the padding has no gradient
        assert (
            gradients[0].numpy()[np.arange(max(lengths)) >= np.array(lengths)[:, None]] == 0
        ).all() or padding == "valid"


def templates(network, **streams):
    return {n: str(s.template) for n, s in describe(network, EXTERN_DATA | streams).layers.items()}


def test_axes_with_the_same_number_of_windows_are_equal():
    found = templates(
        {
            "pool": {"class": "pool", "mode": "max", "pool_size": [2], "padding": "same", "from": "data"},
            "pool4": {"class": "pool", "mode": "avg", "pool_size": [2], "padding": "same", "from": "pool"},
            "conv": {"class": "conv", "filter_size": [3], "strides": 4, "padding": "SAME", "n_out": 3, "from": "data"},
            "same": {"class": "conv", "filter_size": [3], "padding": "same", "n_out": 3, "from": "data"},
            "valid": {"class": "conv", "filter_size": [3], "padding": "valid", "n_out": 3, "from": "same"},
            "output": {"class": "combine", "kind": "add", "from": ["pool4", "conv4"]},
            "conv4": {"class": "linear", "n_out": 4, "from": "conv"},
            "last": {"class": "copy", "from": "valid", "is_output_layer": True},
        }
    )
    assert found["output"] == found["pool4"] == "[batch, time:every(data, 4), feature:4] float32"
    assert found["same"] == "[batch, time:data, feature:3] float32"
    assert found["last"] == "[batch, time:less(data, 2), feature:3] float32"


def test_convolution_along_the_feature_axis():
    conv = {"class": "conv", "n_out": 3, "padding": "same", "from": "data", "is_output_layer": True}
    spec = describe(
        {
            "add": conv | {"filter_size": [3, 2], "strides": [1, 2], "input_add_feature_dim": True},
            "split": conv | {"filter_size": [3, 2], "input_split_feature_dim": 2},
            "expand": conv | {"filter_size": [3, 1], "input_expand_dims": 1},
            "time": conv | {"filter_size": [3], "in_spatial_dims": ["T"], "from": "add"},
            "pool": {
                "class": "pool", "mode": "max", "pool_size": (2,), "from": "add", "in_spatial_dims": ["dim:2"], "is_output_layer": True,
            },
        },
        EXTERN_DATA,
    )  # fmt: skip
    found = {
        name: (str(layer.template), layer.params[0].shape if layer.params else None)
        for name, layer in spec.layers.items()
    }
    assert found == {
        "add": ("[batch, time:data, spatial:2, feature:3] float32", (3, 2, 1, 3)),
        "split": ("[batch, time:data, spatial:2, feature:3] float32", (3, 2, 2, 3)),
        "expand": ("[batch, time:data, spatial:1, feature:3] float32", (3, 1, 4, 3)),
        "time": ("[batch, spatial:2, time:data, feature:3] float32", (3, 3, 3)),
        "pool": ("[batch, time:data, spatial:1, feature:3] float32", None),
    }


def test_rows_of_the_weights_are_split_by_source():
    conv = {"class": "conv", "n_out": 3, "padding": "same", "filter_size": [3], "from": ["data", "other"]}
    spec = describe({"other": {"class": "linear", "n_out": 2}, "output": conv}, EXTERN_DATA)
    assert [[(part.label, part.size) for part in axis] for axis in spec.params["output/W"].splits] == [
        [("", 3)],
        [("data:data", 4), ("other", 2)],
        [("", 3)],
    ]


CONV = {"class": "conv", "from": "data", "n_out": 3, "filter_size": [3], "padding": "same"}
POOL = {"class": "pool", "from": "data", "mode": "max", "pool_size": [2]}
BAD = [
    (
        CONV | {"filter_size": [3, 3]},
        "(conv): 2 sizes of windows need as many axes of the input [batch, time:data, feature:5] float32, found time:data",
    ),
    (CONV | {"filter_size": [0]}, "(conv): 'the size of windows' must have 1 entry of at least 1, found [0]"),
    (CONV | {"strides": [1, 2]}, "(conv): 'strides' must have 1 entry of at least 1, found [1, 2]"),
    (CONV | {"groups": 2}, "(conv): 'groups' must divide 5 input and 3 output features, found 2"),
    (
        CONV | {"input_split_feature_dim": 2},
        "(conv): 'input_split_feature_dim' must divide the 5 features of its input, found 2",
    ),
    (
        CONV | {"from": "data:letters"},
        "(conv): needs float32 values with a feature axis, but its input is [batch, time:letters], 6 classes int32",
    ),
    (
        CONV | {"in_spatial_dims": ["F"]},
        "(conv): 'in_spatial_dims' must name different axes of time or space of [batch, time:data, feature:5] float32, "
        "found ['F']",
    ),
    (
        CONV | {"filter_size": [3, 7], "padding": "valid", "input_add_feature_dim": True},
        "(conv): windows of size 7 do not fit into axis spatial:5 of its input [batch, time:data, spatial:5, feature:1] float32",
    ),
    (
        POOL | {"padding": "same_static", "strides": 3},
        "(pool): padding 'same_static' needs windows at least as large as their stride, without dilation",
    ),
    (POOL | {"from": "data:speaker"}, "(pool): 1 sizes of windows need as many axes of the input [batch, feature:3] float32, found none"),
    (POOL | {"mode": "mean"}, "(pool): option 'mode' must be 'max' or 'avg' or 'MAX' or 'AVG', found 'mean'"),
    (POOL | {"pool_size": 2}, "(pool): option 'pool_size' must be a list of ints, found 2"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "message"), BAD)
def test_message(layer, message, check_message):
    check_message({"output": layer}, f"layer 'output' {message}")


def test_frames_after_the_end_of_a_sequence_have_finite_values():
    """Later layers see them: the loss masks their outputs, but not a gradient that is infinite there."""
    net = {
        "output": {"class": "pool", "mode": "max", "pool_size": [2], "strides": 1, "padding": "same", "from": "data"}
    }
    data = {"data": np.ones((2, 6, 4), "float32")}
    pooled = run_network(describe(net, EXTERN_DATA), {}, data, {"data": np.array([6, 2], "int32")}).layers["output"]
    assert (pooled.value.numpy()[1, 2:] == 0).all()
