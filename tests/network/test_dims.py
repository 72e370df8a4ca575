"""Axes of net dicts named by `Dim` objects: defined by data streams and layers, found by others, checked. No TensorFlow."""

import pytest

from boulder.errors import NetworkError
from boulder.network import describe
from boulder.network.behavior_version import check_axes
from boulder.network.equal_lengths import equal_lengths
from boulder.returnn.provided.dims import (
    FeatureDim,
    ImplicitSparseDim,
    OptionalDim,
    SpatialDim,
    batch_dim,
    single_step_dim,
)
from boulder.schedule.canonical import canonical
from boulder.schedule.functions import restore

LABEL_TIME = SpatialDim("label-time")
TIME, INPUT, LABELS = SpatialDim("time"), FeatureDim("input", 5), FeatureDim("labels", 3)
A, B = FeatureDim("a", 4), FeatureDim("b", 4)
EXTERN_DATA = {
    "data": {"dim": 5, "shape": (None, 5), "dim_tags": [batch_dim, TIME, INPUT]},
    "classes": {"dim": 3, "sparse": True, "shape": (None,), "dim_tags": [batch_dim, LABEL_TIME], "sparse_dim": LABELS},
}
H = {"h": {"class": "linear", "from": "data", "in_dim": INPUT, "out_dim": A, "activation": None}}


def layer(class_name, source="h", **options):
    return {"class": class_name, "from": source, **options}


def axes(net, extern_data=None):
    """:return: axes of `x`, as text"""
    net = {**H, **net, "output": layer("copy", "x")}
    return [str(axis) for axis in describe(net, extern_data or EXTERN_DATA).layers["x"].template.axes]


POOL = {"p": layer("pool", pool_size=[2], mode="max", padding="same")}
G = {"g": {**H["h"], "out_dim": B}}


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        ({"x": H["h"]}, ["batch", "time:data", "feature:4 'a'"]),
        ({"x": layer("combine", ["h", "h"], kind="add")}, ["batch", "time:data", "feature:4 'a'"]),
        (G | {"x": layer("combine", ["h", "g"], kind="add")}, ["batch", "time:data", "spatial:4 'a'", "feature:4 'b'"]),
        (G | {"x": layer("dot", ["h", "g"], reduce=TIME)}, ["batch", "spatial:4 'a'", "feature:4 'b'"]),
        ({"x": layer("dot", ["h", "h"], reduce=A)}, ["batch", "time:data"]),
        ({"x": layer("reduce", mode="mean", axis=TIME)}, ["batch", "feature:4 'a'"]),
        ({"x": layer("reduce", mode="mean", axes={TIME, A})}, ["batch"]),
        (POOL | {"x": layer("reduce", "p", mode="max", axis=TIME.ceildiv_right(2))}, ["batch", "feature:4 'a'"]),
        (
            G
            | {"d": layer("dot", ["h", "g"], reduce=TIME)}
            | {"x": layer("linear", "d", in_dim=A, out_dim=LABELS, activation=None)},
            ["batch", "spatial:4 'b'", "feature:3 'labels'"],
        ),
        ({"x": layer("rec", unit="lstm", out_dim=B)}, ["batch", "time:data", "feature:4 'b'"]),
        (
            {"x": layer("rec", unit={"output": {**H["h"], "from": ["data:source", "prev:output"], "in_dim": 2 * A}})},
            ["batch", "time:data", "feature:4 'a'"],
        ),
        ({"x": layer("copy", out_shape={batch_dim, TIME, A, OptionalDim(B)})}, ["batch", "time:data", "feature:4 'a'"]),
        ({"x": layer("copy", "data:classes", out_shape={batch_dim, LABEL_TIME, ImplicitSparseDim(LABELS)})}, ["batch", "time:classes"]),
        ({"x": layer("linear", n_out=6, activation=None, out_shape={batch_dim, TIME, A + 2})}, ["batch", "time:data", "feature:6 '(a+2)'"]),
        ({"x": {"class": "constant", "value": 2, "out_shape": {}, "is_output_layer": True}}, []),
        ({"x": {"class": "constant", "shape": (batch_dim, TIME, A), "shape_deps": ["h"], "is_output_layer": True}}, ["batch", "time:data", "feature:4 'a'"]),
    ],
)  # fmt: skip
def test_axes_have_the_names_of_their_dims(net, expected):
    assert axes(net) == expected


def test_plain_data_streams_and_networks_give_the_same_axes():
    net = {**H, "output": layer("reduce", mode="mean", axis=TIME)}
    plain = restore(canonical(net)), canonical(EXTERN_DATA)
    assert describe(*plain).layers["output"].template == describe(net, EXTERN_DATA).layers["output"].template


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            {"x": layer("reduce", mode="mean", axis=SpatialDim("other"))},
            "layer 'x' (reduce): no layer before it and no data stream defines Dim 'other', found [batch, time:data, feature:4 'a'] float32",
        ),
        (
            {"x": layer("reduce", mode="mean", axis=INPUT)},
            "layer 'x' (reduce): axis Dim 'input' fits 0 axes of [batch, time:data, feature:4 'a'] float32, expected one",
        ),
        (
            {"x": {**H["h"], "n_out": 3}},
            "layer 'x' (linear): Dim 'a' has 4 entries, but the axis of its output is feature:3",
        ),
        (
            {"x": {**H["h"], "in_dim": B}},
            "layer 'x' (linear): 'in_dim' is Dim 'b', which is no static axis of its input [batch, time:data, feature:5 'input'] float32",
        ),
        (
            {"x": {**H["h"], "from": "data:classes", "in_dim": B}},
            "layer 'x' (linear): 'in_dim' is Dim 'b' with 4 entries, but its input is [batch, time:classes], 3 classes int32",
        ),
        (
            {"x": {**H["h"], "out_dim": FeatureDim("unknown")}},
            "layer 'x' (linear): 'out_dim' is Dim 'unknown', which has no size",
        ),
        (
            {"x": {**H["h"], "out_dim": 4}},
            "layer 'x' (linear): option 'out_dim' must be a Dim or None, found 4",
        ),
        (
            {"x": {**H["h"], "n_out": TIME, "out_dim": None}},
            "layer 'x' (linear): option 'n_out' must be an int or None, found Dim 'time'",
        ),
        (
            {"x": layer("reduce", mode="mean", axis="stag:other")},
            "layer 'x' (reduce): axis 'stag:other' fits 0 axes of [batch, time:data, feature:4 'a'] float32, whose names are 'time'",
        ),
        (
            {"x": layer("reduce", mode="mean", axis="stag-single:time")},
            "layer 'x' (reduce): axis 'stag-single:time' needs a number and a name, as in 'stag-single:0:data'",
        ),
        (
            {"x": layer("conv", n_out=2, filter_size=[3], padding="same", out_spatial_dims=[TIME, B])},
            "layer 'x' (conv): 'out_spatial_dims' are [Dim 'time', Dim 'b'], but its output is [batch, time:data, feature:2] float32",
        ),
        (
            {"x": layer("split_dims", axis=A, dims=(FeatureDim("p", 3), -1))},
            "layer 'x' (split_dims): 'dims' (Dim 'p', -1) do not multiply to the 4 entries of axis feature:4 'a'",
        ),
        (
            {"x": layer("reinterpret_data", set_dim_tags={A: FeatureDim("p", 3)})},
            "layer 'x' (reinterpret_data): Dim 'p' has 3 entries, but the axis of its output is feature:4",
        ),
        (
            {"x": layer("reinterpret_data", set_dim_tags={"B": FeatureDim("p", 3)})},
            "layer 'x' (reinterpret_data): 'set_dim_tags' makes the batch Dim 'p', but sequences must not see each other",
        ),
        (
            {"x": layer("copy", out_shape={A: 4})},
            "layer 'x' (copy): 'out_shape' must be a set of Dims, found a dict, {Dim 'a': 4}",
        ),
        (
            {"x": layer("reinterpret_data", set_dim_tags={A: 3})},
            "layer 'x' (reinterpret_data): 'set_dim_tags' takes a Dim for an axis, found 3",
        ),
        (
            {"x": {"class": "constant", "shape": (SpatialDim("unknown"),)}},
            "layer 'x' (constant): 'shape' must have static sizes, or Dims that are defined, found (Dim 'unknown',)",
        ),
        (
            {"x": {"class": "variable", "shape": (TIME,)}},
            "layer 'x' (variable): 'shape' must have static sizes of at least 1, found [Dim 'time']",
        ),
        (
            {"x": layer("rec", unit="lstm", axis=A, out_dim=B)},
            "layer 'x' (rec): 'axis' must be the time axis of [batch, time:data, feature:4 'a'] float32, found Dim 'a'",
        ),
        (
            {"x": layer("rec", unit="lstm", axis=single_step_dim, out_dim=B)},
            "layer 'x' (rec): 'axis' is Dim 'single-step', which needs a loop and an input without time, found [batch, time:data, feature:4 'a'] float32",
        ),
        (
            {"x": layer("rec", axis=A, unit={"output": layer("copy", "data:source")})},
            "layer 'x' (rec): 'axis' must be its time axis time:data, found Dim 'a'",
        ),
        (
            {"x": layer("copy", out_shape={batch_dim, TIME})},
            "layer 'x' (copy): 'out_shape' lacks feature:4 'a', but its output is [batch, time:data, feature:4 'a'] float32",
        ),
        (
            {"x": layer("copy", out_shape={batch_dim, TIME, A, B})},
            "layer 'x' (copy): 'out_shape' has also Dim 'b', but its output is [batch, time:data, feature:4 'a'] float32",
        ),
        (
            {"x": layer("copy", "data:classes", out_shape={batch_dim, LABEL_TIME, ImplicitSparseDim(A)})},
            "layer 'x' (copy): 'out_shape' has Dim 'a' as its classes, but its output is [batch, time:classes], 3 classes int32",
        ),
    ],
)  # fmt: skip
def test_wrong_dims_are_named(net, message):
    with pytest.raises(NetworkError) as error:
        axes(net)
    assert str(error.value) == message


def test_dims_of_a_data_stream_that_do_not_fit():
    stream = {"dim": 5, "shape": (None, 5), "dim_tags": [batch_dim, INPUT]}
    with pytest.raises(NetworkError, match=r"data stream 'data': 'dim_tags' are \[Dim .*\], but the stream is \[batch"):
        axes({"x": H["h"]}, {**EXTERN_DATA, "data": stream})
    stream = {"dim": 6, "shape": (None, 6), "dim_tags": [batch_dim, TIME, INPUT]}
    with pytest.raises(NetworkError, match=r"data stream 'data': Dim 'input' has 5 entries, but .* is feature:6"):
        axes({"x": H["h"]}, {**EXTERN_DATA, "data": stream})


BOTH = {"x": layer("combine", ["h", "g"], kind="add")}
MIXED = {"g": {"class": "linear", "from": "data", "n_out": 4, "activation": None}} | BOTH


@pytest.mark.parametrize(
    ("net", "version", "message"),
    [
        (G | BOTH, 15, "the axes feature:4 'a' and feature:4 'b', which are one axis before behavior_version 16"),
        (G | BOTH, 16, None),
        (MIXED, 15, None),
        (MIXED, 16, "features of one size with and without a Dim, which are different axes since behavior_version 16"),
        (G | {"x": layer("dot", ["h", "g"], reduce=TIME)}, 13, "which are one axis before behavior_version 14"),
        (G | {"x": layer("dot", ["h", "g"], reduce=TIME)}, 14, None),
    ],
)
def test_axes_that_a_behavior_version_takes_for_one_are_refused(net, version, message):
    spec = describe({**H, **net, "output": layer("copy", "x")}, EXTERN_DATA)
    if message is None:
        check_axes(spec, version)
    else:
        with pytest.raises(NetworkError, match=f"layer 'x': .*{message}"):
            check_axes(spec, version)


def test_streams_with_one_time_dim_have_one_axis_and_equal_lengths():
    extern_data = {**EXTERN_DATA, "classes": {**EXTERN_DATA["classes"], "dim_tags": [batch_dim, TIME]}}
    net = {**H, "e": layer("linear", "data:classes", out_dim=A), "output": layer("combine", ["h", "e"], kind="add")}
    spec = describe(net, extern_data)
    assert str(spec.layers["output"].template) == "[batch, time:data, feature:4 'a'] float32"
    (pair,) = equal_lengths(spec)
    assert (
        pair.problem(5, 3) == "layer 'data:classes': 5 frames along time:classes, 3 along time:data, expected as many"
    )


def test_a_search_needs_an_axis_of_its_own_for_a_loop_with_an_end():
    unit = {
        "p": layer("softmax", "prev:output", out_dim=LABELS),
        "output": layer("choice", "p", beam_size=2, target="classes", initial_output=0),
        "end": layer("compare", "output", value=0),
    }
    net = {
        "output": {
            "class": "rec",
            "from": [],
            "axis": SpatialDim("found"),
            "target": "classes",
            "max_seq_len": 5,
            "unit": unit,
        }
    }
    for mode in ("train", "search"):
        describe(net, EXTERN_DATA, mode)
    net["output"]["axis"] = LABEL_TIME
    describe(net, EXTERN_DATA)
    message = r"layer 'output' \(rec\): 'axis' is Dim 'label-time', the axis time:classes, but in a search the layer 'end' gives"
    with pytest.raises(NetworkError, match=message):
        describe(net, EXTERN_DATA, "search")
