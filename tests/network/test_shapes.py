"""Layers that change axes (split, merge, add, remove, reduce), that add frames, and constants."""

import numpy as np
import pytest

from boulder.network import describe, run_network

H = {"h": {"class": "linear", "from": "data", "n_out": 6, "activation": "tanh"}}
SPLIT = {"s": {"class": "split_dims", "from": "h", "axis": "F", "dims": (2, 3)}}


def split(x):
    return x.reshape(*x.shape[:-1], 2, 3)


def of(source, class_name, **options):
    return {"output": {"class": class_name, "from": source, "is_output_layer": True, **options}}


# layers, template of the output, formula for one sequence: h [T, 6] → output
CASES = {
    "features": (of("h", "split_dims", axis="F", dims=(2, -1)), "[batch, time:data, spatial:2, feature:3] float32", split),
    "three": (
        of("h", "split_dims", axis="F", dims=[-1, 1, 3]),
        "[batch, time:data, spatial:2, spatial:1, feature:3] float32",
        lambda h: h.reshape(-1, 2, 1, 3),
    ),
    "filled up": (
        of("h", "split_dims", axis="F", dims=[4, -1], pad_to_multiples=True, pad_value=2),
        "[batch, time:data, spatial:4, feature:2] float32",
        lambda h: np.pad(h, [(0, 0), (0, 2)], constant_values=2).reshape(-1, 4, 2),
    ),
    "windows of frames": (
        of("h", "split_dims", axis="T", dims=[-1, 3], pad_value=0.5),
        "[batch, time:every(data, 3), spatial:3, feature:6] float32",
        lambda h: np.pad(h, [(0, -len(h) % 3), (0, 0)], constant_values=0.5).reshape(-1, 3, 6),
    ),
    "windows of one frame": (
        of("h", "split_dims", axis="T", dims=[-1, 1]),
        "[batch, time:data, spatial:1, feature:6] float32",
        lambda h: h[:, None],
    ),
    "merged": (
        SPLIT | of("s", "merge_dims", axes="except_time"),
        "[batch, time:data, feature:6] float32",
        lambda h: h,
    ),
    "merged in another order": (
        SPLIT | of("s", "merge_dims", axes=["F", "dim:2"], keep_order=True),
        "[batch, time:data, feature:6] float32",
        lambda h: split(h).swapaxes(1, 2).reshape(-1, 6),
    ),
    "frames one after the other": (
        SPLIT | of("s", "merge_dims", axes=["dim:2", "T"]),
        "[batch, time:repeat(data, 2), feature:3] float32",
        lambda h: h.reshape(-1, 3),
    ),
    "one axis is not merged": (of("h", "merge_dims", axes=["F"]), "[batch, time:data, feature:6] float32", lambda h: h),
    "other axes": (
        {"s": {"class": "split_dims", "from": "h", "axis": "F", "dims": (2, 1, 3)}}
        | of("s", "merge_dims", axes=["static:0", "static:1"]),
        "[batch, time:data, spatial:2, feature:3] float32",
        split,
    ),
    "a feature more": (of("h", "expand_dims", axis="F"), "[batch, time:data, spatial:6, feature:1] float32", lambda h: h[..., None]),
    "an axis before the features": (
        of("h", "expand_dims", axis="spatial", dim=2),
        "[batch, time:data, spatial:2, feature:6] float32",
        lambda h: np.stack([h, h], 1),
    ),
    "an axis before time": (
        of("h", "expand_dims", axis=1, dim=2),
        "[batch, spatial:2, time:data, feature:6] float32",
        lambda h: np.stack([h, h], 0),
    ),
    "squeezed": (
        {"s": {"class": "expand_dims", "from": "h", "axis": "T"}} | of("s", "squeeze", axis="auto"),
        "[batch, time:data, feature:6] float32",
        lambda h: h,
    ),
    "squeezed features": (
        {"s": {"class": "expand_dims", "from": "h", "axis": "F"}} | of("s", "squeeze", axis="F"),
        "[batch, time:data, feature:6] float32",
        lambda h: h,
    ),
    "nothing to squeeze": (of("h", "squeeze", axis="dim:1", allow_no_op=True), "[batch, time:data, feature:6] float32", lambda h: h),
    "other features": (
        SPLIT | of("s", "reinterpret_data", set_axes={"F": "dim:2", "T": "T"}, enforce_batch_major=True),
        "[batch, time:data, feature:2, spatial:3] float32",
        split,
    ),
    "frames back": (
        {
            "w": {"class": "split_dims", "from": "h", "axis": "T", "dims": [-1, 3]},
            "m": {"class": "merge_dims", "from": "w", "axes": ["T", "dim:3"]},
        }
        | of("m", "reinterpret_data", size_base="data"),
        "[batch, time:data, feature:6] float32",
        lambda h: h,
    ),
    "mean over time": (of("h", "reduce", mode="mean", axes="T"), "[batch, feature:6] float32", lambda h: h.sum(0) / max(len(h), 1)),
    "sum over time": (of("h", "reduce", mode="sum", axis="T"), "[batch, feature:6] float32", lambda h: h.sum(0)),
    "mean of all": (
        SPLIT | of("s", "reduce", mode="avg", axes="except_batch"),
        "[batch] float32",
        lambda h: h.mean() if h.size else np.float32(0),
    ),
    "max of features": (of("h", "reduce", mode="max", axes="F", keep_dims=True), "[batch, time:data, feature:1] float32", lambda h: h.max(-1, keepdims=True)),
    "the last axis is of the features": (
        SPLIT | of("s", "reduce", mode="min", axes="F"),
        "[batch, time:data, feature:2] float32",
        lambda h: split(h).min(-1),
    ),
    "logsumexp": (
        SPLIT | of("s", "reduce", mode="logsumexp", axes=["dim:2"]),
        "[batch, time:data, feature:3] float32",
        lambda h: np.log(np.exp(split(h)).sum(-2)),
    ),
    "best feature": (of("h", "reduce", mode="argmax", axes="F"), "[batch, time:data], 6 classes int32", lambda h: h.argmax(-1)),
    "maxout": (of("h", "reduce_out", mode="max", num_pieces=2), "[batch, time:data, feature:3] float32", lambda h: h.reshape(-1, 3, 2).max(-1)),
    "mean of pieces": (of("h", "reduce_out", mode="avg", num_pieces=3), "[batch, time:data, feature:2] float32", lambda h: h.reshape(-1, 2, 3).mean(-1)),
    "after the last frame": (
        of("h", "postfix_in_time", postfix=2, repeat=2),
        "[batch, time:postfix(data, 2), feature:6] float32",
        lambda h: np.pad(h, [(0, 2), (0, 0)], constant_values=2),
    ),
    "before the first frame": (
        of("h", "prefix_in_time", prefix=-1, repeat=2),
        "[batch, time:prefix(data, 2), feature:6] float32",
        lambda h: np.pad(h, [(2, 0), (0, 0)], constant_values=-1),
    ),
    "what a layer says": (
        {"m": {"class": "reduce", "from": "h", "mode": "sum", "axes": "T"}} | of("h", "postfix_in_time", postfix="m"),
        "[batch, time:postfix(data, 1), feature:6] float32",
        lambda h: np.concatenate([h, h.sum(0, keepdims=True)]),
    ),
    "a constant": (
        {"c": {"class": "constant", "value": [0.5, 1, 2, 3, 4, 5]}, "output": {"class": "combine", "kind": "mul", "from": ["h", "c"]}},
        "[batch, time:data, feature:6] float32",
        lambda h: h * np.array([0.5, 1, 2, 3, 4, 5], "float32"),
    ),
    "a number": (
        {"c": {"class": "constant", "value": 2.0}, "output": {"class": "combine", "kind": "add", "from": ["h", "c"]}},
        "[batch, time:data, feature:6] float32",
        lambda h: h + 2,
    ),
    "a constant for each sequence": (
        {"output": {"class": "constant", "value": 7, "shape": [2], "with_batch_dim": True}},
        "[batch, feature:2] int32",
        lambda h: np.array([7, 7]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("lengths", [(5, 3, 1), (2, 0, 6)])
def test_each_sequence_of_a_batch_equals_the_formula(name, lengths, run, random_batch, values):
    layers, template, formula = CASES[name]
    data, sizes = random_batch(lengths)
    data["data"] = np.pad(data["data"], [(0, 0), (0, 2), (0, 0)], constant_values=9.0)  # more padding than needed
    output = run(H | layers | {"h": H["h"] | {"is_output_layer": True}}, data, sizes)
    result = output.layers["output"]
    assert str(result.template) == template
    time = result.template.time
    for i, n in enumerate(lengths):
        expected = formula(values(output, "h")[i, :n])
        ours = values(output)[i]
        if time:
            at = result.template.axes.index(time) - 1
            assert output.lengths[time][i] == expected.shape[at]
            ours = np.take(ours, range(expected.shape[at]), at)
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)


def test_postfix_appends_a_label(run, random_batch, values):
    net = {"output": {"class": "postfix_in_time", "from": "data:classes", "postfix": 2, "is_output_layer": True}}
    data, lengths = random_batch((5, 2))
    output = run(net, data, lengths)
    assert str(output.layers["output"].template) == "[batch, time:postfix(classes, 1)], 3 classes int32"
    for row, labels, n in zip(values(output), data["classes"], lengths["classes"], strict=True):
        np.testing.assert_array_equal(row[: n + 1], [*labels[:n], 2])


def test_reinterpret_data_sets_the_number_of_classes(extern_data):
    def template(**options):
        net = {"output": {"class": "reinterpret_data", "from": "data:classes", "is_output_layer": True, **options}}
        return str(describe(net, extern_data).layers["output"].template)

    assert template(set_sparse_dim=9) == "[batch, time:classes], 9 classes int32"
    assert template(increase_sparse_dim=1) == "[batch, time:classes], 4 classes int32"
    assert template(set_sparse=False) == "[batch, time:classes] int32"
    net = {
        "i": {"class": "eval", "from": "data:number", "eval": "tf.cast(source(0), tf.int32)", "out_type": {"dtype": "int32"}},
        "output": {"class": "reinterpret_data", "from": "i", "set_sparse": True, "set_sparse_dim": 4, "is_output_layer": True},
    }  # fmt: skip
    assert str(describe(net, extern_data).layers["output"].template) == "[batch, time:number], 4 classes int32"


def in_a_loop(**options):
    unit = {
        "heads": {"class": "split_dims", "from": "data:source", "axis": "F", "dims": (-1, 2)},
        "offset": {"class": "constant", "value": [1.0, 2.0]},
        "moved": {"class": "combine", "kind": "add", "from": ["heads", "offset"]},
        "sum": {"class": "reduce", "mode": "logsumexp", "axes": "dim:3", "from": "moved"},
        "more": {"class": "expand_dims", "axis": "spatial", "from": "sum"},
        "less": {"class": "squeeze", "axis": "dim:1", "from": "more"},
        "flat": {"class": "merge_dims", "axes": "static", "from": "heads"},
        "maxout": {"class": "reduce_out", "mode": "max", "num_pieces": 3, "from": "flat"},
        "same": {"class": "reinterpret_data", "from": "maxout", "enforce_batch_major": True},
        "frames": {"class": "reduce", "mode": "mean", "axes": "T", "from": "base:data:other"},
        "output": {"class": "linear", "activation": "tanh", "n_out": 4, "from": ["less", "same", "prev:output", "frames"]},
        "readout": {"class": "split_dims", "from": "output", "axis": "F", "dims": (2, 2)},
        "best": {"class": "reduce", "mode": "max", "axes": "F", "from": "readout", "is_output_layer": True, "loss": "as_is"},
    }  # fmt: skip
    return {"output": {"class": "rec", "from": "data", "unit": unit, **options}}


def test_layers_give_the_same_inside_a_loop_and_moved_out_of_it():
    import tensorflow as tf

    streams = {"data": {"dim": 6, "shape": (None, 6)}, "other": {"dim": 2, "shape": (None, 2)}}
    rng = np.random.default_rng(1)
    data = {"data": rng.normal(size=(3, 5, 6)).astype("float32"), "other": rng.normal(size=(3, 4, 2)).astype("float32")}
    lengths = {"data": [5, 2, 3], "other": [1, 4, 2]}
    found = []
    for options in ({}, {"optimize_move_layers_out": False}):
        spec = describe(in_a_loop(**options), streams)
        rng = np.random.default_rng(2)
        params = {
            path: tf.Variable(rng.normal(size=p.shape).astype("float32")) for path, p in sorted(spec.params.items())
        }
        with tf.GradientTape() as tape:
            cost = run_network(spec, params, data, lengths).losses["output/best"].cost
        found.append([cost, *tape.gradient(cost, list(params.values()))])
        inside = set(spec.loops["output"].inside)
        assert inside == ({"output"} if not options else set(in_a_loop()["output"]["unit"]))
    for moved, kept in zip(*found, strict=True):
        np.testing.assert_allclose(moved, kept, rtol=1e-5, atol=1e-6)


def test_a_longer_size_base_is_an_error_at_run_time(run, random_batch):
    import tensorflow as tf

    net = H | of("h", "reinterpret_data", size_base="data:classes")
    data, lengths = random_batch((3, 3))
    lengths["classes"] = np.array([2, 4], "int32")
    data["classes"] = np.zeros((2, 4), "int32")
    with pytest.raises(
        tf.errors.InvalidArgumentError, match="layer 'output': 'size_base' has more frames than its input"
    ):
        run(net, data, lengths)


INPUT = "[batch, time:data, feature:6] float32"
BAD = [
    ("split_dims", {"axis": "F", "dims": (5, -1)}, "'dims' (5, -1) do not multiply to the 6 entries of axis feature:6"),
    ("split_dims", {"axis": "F", "dims": (2, 2)}, "'dims' (2, 2) do not multiply to the 6 entries of axis feature:6"),
    ("split_dims", {"axis": "F", "dims": (-1, -1)}, "'dims' must have positive sizes and at most one -1, found (-1, -1)"),
    ("split_dims", {"axis": "T", "dims": (3, -1)}, "'dims' of a dynamic axis must begin with -1, found (3, -1)"),
    (
        "split_dims", {"axis": "T", "dims": (-1, 3), "pad_to_multiples": False},
        "'pad_to_multiples' must not be False for a dynamic axis, whose lengths may need padding",
    ),
    ("split_dims", {"axis": "B", "dims": (-1, 3)}, f"cannot split the axis batch of {INPUT}"),
    ("merge_dims", {"axes": "BF"}, "the batch cannot be merged with other axes, but 'axes' selects batch, feature:6"),
    (
        "merge_dims", {"axes": ["T", "F"]},
        "time can only be merged with static axes after it that are not the feature axis, but 'axes' selects time:data, feature:6",
    ),
    ("merge_dims", {"axes": "static", "keep_order": True}, "'axes' must be a list if 'keep_order' is True, found 'static'"),
    ("expand_dims", {"axis": "G"}, "'axis' must be 'F', 'spatial', 'T' or an int, found 'G'"),
    ("expand_dims", {"axis": 0}, f"'axis' 0 is not a position after the batch in {INPUT}"),
    ("expand_dims", {"axis": "F", "dim": 0}, "'dim' must be at least 1, found 0"),
    ("squeeze", {"axis": "F"}, f"axis 'F' is feature:6, but must have size 1; its input is {INPUT}"),
    ("reinterpret_data", {"set_axes": {"T": "F"}}, "'set_axes': feature:6 cannot also become time"),
    ("reinterpret_data", {"set_axes": {"X": "F"}}, "'set_axes' takes the keys 'B', 'T' and 'F', found 'X'"),
    ("reinterpret_data", {"set_sparse": True}, f"class indices must be integers, but its input is {INPUT}"),
    ("reinterpret_data", {"set_sparse_dim": 3}, f"cannot set the number of classes, since its input has none: {INPUT}"),
    (
        "reduce", {"mode": "sum", "axes": "B"},
        "cannot reduce the batch without time:data, whose lengths are those of its sequences; expected both in 'axes'",
    ),
    (
        "reduce", {"mode": "max", "axes": "BT"},
        "over the batch there is only the 'sum' or 'mean' of floats, without 'keep_dims', found mode 'max' of "
        f"{INPUT}",
    ),
    ("reduce", {"mode": "sum"}, "needs either 'axes' or 'axis'"),
    ("reduce", {"mode": "argmax", "axes": ["T", "F"]}, "'argmax' needs a single axis, found time:data, feature:6"),
    ("reduce", {"mode": "any", "axes": "T"}, f"'any' needs bool, but its input is {INPUT}"),
    ("reduce_out", {"mode": "max", "num_pieces": 4}, "'num_pieces' must divide the 6 features of its input, found 4"),
    ("postfix_in_time", {"axis": "F"}, f"'axis' must be the time axis, found feature:6 of {INPUT}"),
    ("postfix_in_time", {"postfix": "data"}, f"'postfix' must be a single frame like those of {INPUT}, but 'data:data' is [batch, time:data, feature:5] float32"),
    ("prefix_in_time", {"repeat": -1}, "'repeat' must be 0 or more, found -1"),
]  # fmt: skip


@pytest.mark.parametrize(("class_name", "options", "message"), BAD)
def test_message(class_name, options, message, check_message):
    check_message(H | of("h", class_name, **options), f"layer 'output' ({class_name}): {message}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"value": "a"}, "'value' must be a number, an array or a list of numbers, found 'a'"),
        ({"value": [[1], [2, 3]]}, "'value' must be a number, an array or a list of numbers, found [[1], [2, 3]]"),
        ({"value": [1, 2], "shape": [3]}, "'value' has the shape (2,), but 'shape' is (3,)"),
        ({"sparse_dim": 3, "value": 0.5}, "class indices must be integers, but 'value' has dtype float32"),
        ({"from": "data"}, "takes no sources, but has a 'from'"),
    ],
)
def test_message_of_a_constant(options, message, check_message):
    check_message({"output": {"class": "constant", **options}}, f"layer 'output' (constant): {message}")


def test_the_batch_is_not_reduced_in_a_loop(check_message):
    unit = {"output": {"class": "reduce", "mode": "mean", "axes": "B", "from": "data:source"}}
    check_message(
        {"output": {"class": "rec", "from": "data", "unit": unit}},
        "layer 'output/unit/output' (reduce): cannot reduce the batch in a loop, whose number of frames differs; read the loop's output "
        "instead",
    )


@pytest.mark.parametrize(("mode", "expected"), [("mean", [2.0, 4.0]), ("sum", [12.0, 24.0])])
def test_a_reduction_over_the_batch_is_that_of_all_replicas(mode, expected):
    network = {"output": {"class": "reduce", "mode": mode, "axes": "BT", "from": "data"}}
    spec = describe(network, {"data": {"dim": 2}})
    assert str(spec.layers["output"].template) == "[feature:2] float32"
    data = np.array([[[1, 2], [2, 4]], [[3, 6], [9, 9]]], "float32")
    of_two = {"joint": lambda value: value * 2}
    result = run_network(spec, {}, {"data": data}, {"data": np.array([2, 1], "int32")}, **of_two)
    assert result.layers["output"].value.numpy().tolist() == expected


@pytest.mark.parametrize("mode", ["max", "min", "logsumexp", "mean", "sum", "argmax", "argmin"])
def test_a_sequence_without_frames_is_reduced_alone_as_in_a_batch(mode):
    network = {"output": {"class": "reduce", "mode": mode, "axis": "T", "from": "data"}}
    spec = describe(network, {"data": {"dim": 2}})
    data = np.random.default_rng(0).normal(size=(2, 3, 2)).astype("float32")

    def last(frames, lengths):
        return run_network(spec, {}, {"data": frames}, {"data": np.array(lengths, "int32")}).layers["output"].value[-1]

    together, alone = last(data, [3, 0]), last(data[1:, :0], [0])
    np.testing.assert_array_equal(together, alone)
    assert np.isfinite(alone).all()
