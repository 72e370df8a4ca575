"""Layers that arrange entries: what each makes of a single sequence, and the same in loops."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from tests import layers_of_shapes

LABELS = {"f": {"class": "reinterpret_data", "from": "data:align", "set_sparse": False}}
LARGE = {
    "s": {"class": "reduce", "from": "data", "mode": "sum", "axes": "F"},
    "m": {"class": "compare", "from": "s", "kind": "greater", "value": 0.0},
}


def of(source, class_name, **options):
    return {"output": {"class": class_name, "from": source, "is_output_layer": True, **options}}


def chunks(x, size, step):
    starts = range(0, max(1, len(x) - size + step), step)
    return [x[start : start + size] for start in starts]


def mean_of_chunks(x):
    total, count = np.zeros_like(x), np.zeros(len(x))
    for number, chunk in enumerate(chunks(x, 3, 2)):
        total[2 * number :][: len(chunk)] += chunk[::-1]
        count[2 * number :][: len(chunk)] += 1
    return total / np.maximum(count, 1)[:, None]


def folded(x, mode):
    """Windows of 2 frames, each 3 frames after the one before it."""
    pairs = np.pad(x, [(0, len(x) % 2), (0, 0)]).reshape(-1, 2, x.shape[-1])
    frames = np.zeros((3 * len(pairs), x.shape[-1]), x.dtype)
    for number, pair in enumerate(pairs):
        frames[3 * number :][:2] += pair
    return frames


def padded(x, before, after, mode):
    """`np.pad`, also for a single frame."""
    return (
        np.pad(x, [(before, after), (0, 0)], mode=mode) if len(x) else np.zeros((before + after, x.shape[1]), x.dtype)
    )


# layers, template of the output, formula for one sequence: data [T, 5], labels of the frames [T] → output
CASES = {
    "joined": (
        {"a": {"class": "pad", "from": "data", "axes": "T", "padding": (1, 0), "value": 2}}
        | {"output": {"class": "concat", "from": [("data", "T"), ("a", "T"), ("data", "T")], "is_output_layer": True}},
        "[batch, time:concat(data, prefix(data, 1), data), feature:5] float32",
        lambda x, y: np.concatenate([x, np.full((1, 5), 2, x.dtype), x, x]),
    ),
    "joined labels": (
        {"output": {"class": "concat", "from": [("data:align", "T"), ("data:align", "T")], "is_output_layer": True}},
        "[batch, time:concat(align, align)], 4 classes int32",
        lambda x, y: np.concatenate([y, y]),
    ),
    "reversed": (of("data", "reverse_sequence"), "[batch, time:data, feature:5] float32", lambda x, y: x[::-1]),
    "reversed features": (of("data", "reverse_sequence", axis="F"), "[batch, time:data, feature:5] float32", lambda x, y: x[:, ::-1]),
    "every second from the end": (
        of("data", "slice", axis="T", slice_step=-2), "[batch, time:every(reversed(data), 2), feature:5] float32", lambda x, y: x[::-2],
    ),
    "inner frames": (
        of("data", "slice", axis="T", slice_start=1, slice_end=-1), "[batch, time:less(after(data, 1), 1), feature:5] float32",
        lambda x, y: x[1:-1],
    ),
    "two frames": (
        of("data", "slice", axis="T", slice_start=1, slice_end=3), "[batch, time:2, feature:5] float32",
        lambda x, y: np.pad(x, [(0, 3), (0, 0)])[1:3],
    ),
    "labels from the second": (of("data:align", "slice", axis="T", slice_start=1), "[batch, time:after(align, 1)], 4 classes int32", lambda x, y: y[1:]),
    "from the third": (of("data", "slice_nd", start=2, size=None), "[batch, time:after(data, 2), feature:5] float32", lambda x, y: x[2:]),
    "two from the third": (of("data", "slice_nd", start=2, size=2), "[batch, spatial:2, feature:5] float32", lambda x, y: np.pad(x, [(0, 4), (0, 0)])[2:4]),
    "from each label": (
        of("data", "slice_nd", start="data:align", size=3), "[batch, time:align, spatial:3, feature:5] float32",
        lambda x, y: np.array([np.pad(x, [(0, 7), (0, 0)])[start : start + 3] for start in y]).reshape(-1, 3, 5),
    ),
    "mirrored": (
        of("data", "pad", axes="T", padding=(2, 1), mode="reflect"), "[batch, time:postfix(prefix(data, 2), 1), feature:5] float32",
        lambda x, y: padded(x, 2, 1, "reflect"),
    ),
    "mirrored behind": (
        of("data", "pad", axes="T", padding=(2, 1), mode="symmetric"), "[batch, time:postfix(prefix(data, 2), 1), feature:5] float32",
        lambda x, y: padded(x, 2, 1, "symmetric"),
    ),
    "first and last": (
        of("data", "pad", axes="T", padding=1, mode="replication"), "[batch, time:postfix(prefix(data, 1), 1), feature:5] float32",
        lambda x, y: padded(x, 1, 1, "edge"),
    ),
    "by label": (
        of("data:align", "repeat", repetitions="data:align"),
        "[batch, time:repeat by(align, data:align)], 4 classes int32", lambda x, y: np.repeat(y, y),
    ),
    "without a label": (of("data:align", "remove", symbol=2), "[batch, time:without(align, 2, data:align)], 4 classes int32", lambda x, y: y[y != 2]),
    "without the last label": (of("data:align", "remove", symbol=-1), "[batch, time:without(align, -1, data:align)], 4 classes int32", lambda x, y: y[y != 3]),
    "large ones": (LARGE | of("data", "boolean_mask", mask="m", dims="T"), "[batch, time:where(data, m), feature:5] float32", lambda x, y: x[x.sum(-1) > 0]),
    "mean of chunks": (
        {"c": {"class": "time_chunking", "from": "data", "chunk_size": 3, "chunk_step": 2}}
        | {"i": {"class": "reverse_sequence", "from": "c"}}
        | of("i", "time_unchunking", chunking_layer="c"),
        "[batch, time:data, feature:5] float32", lambda x, y: mean_of_chunks(x),
    ),
    "folded": (
        {"w": {"class": "split_dims", "from": "data", "axis": "T", "dims": (-1, 2)}} | of("w", "fold", mode="mean", in_spatial_dim="T", window_dim="dim:2", stride=3),
        "[batch, time:repeat(every(data, 2), 3), feature:5] float32", lambda x, y: folded(x, "mean"),
    ),
    "tiled": (of("data", "tile_features", repetitions=2), "[batch, time:data, feature:10] float32", lambda x, y: np.concatenate([x, x], -1)),
    "batch and back": (
        {"b": {"class": "flatten_batch", "from": "data"}} | of("b", "unflatten_batch"), "[batch, time:data, feature:5] float32", lambda x, y: x,
    ),
    "features and back": (
        {"b": {"class": "flatten_batch", "from": "data", "axis": "F"}} | of("b", "unflatten_batch"), "[batch, time:data, feature:5] float32", lambda x, y: x,
    ),
    "best frames": (
        of("data", "top_k", axis="T", k=1), "[batch, feature:5, spatial:1] float32",
        lambda x, y: (x.max(0) if len(x) else np.full(5, np.finfo("float32").min))[:, None],
    ),
    "reshaped": (
        {"s": {"class": "pad", "from": "data", "axes": "F", "padding": (0, 1)}} | of("s", "reshape", in_dims=["F"], out_dims=[3, 2]),
        "[batch, time:data, spatial:3, feature:2] float32", lambda x, y: np.pad(x, [(0, 0), (0, 1)]).reshape(-1, 3, 2),
    ),
    "places": (
        LABELS | {"r": {"class": "range", "limit": 3}, "output": {"class": "search_sorted", "sorted_sequence": "r", "values": "f", "axis": "F", "side": "right", "is_output_layer": True}},
        "[batch, time:align] int32", lambda x, y: np.searchsorted(np.arange(3), y, "right"),
    ),
    "features shifted": (
        of("data", "shift_axis", axis="F", amount=2, pad_value=1), "[batch, time:data, feature:5] float32",
        lambda x, y: np.pad(x, [(0, 0), (2, 0)], constant_values=1)[:, :5],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_sequence_of_a_batch_equals_the_formula(name, run, random_batch, values):
    net, template, formula = CASES[name]
    data, lengths = random_batch((5, 2, 1, 4))
    output = run(net, data, lengths)
    layer = output.layers["output"]
    assert str(layer.template) == template
    dynamic = [axis for axis in layer.template.axes if axis.kind == "time" and axis.size is None]
    for i, (row, n) in enumerate(zip(values(output), lengths["data"], strict=True)):
        expected = formula(data["data"][i, :n], data["align"][i, :n])
        count = int(output.lengths[dynamic[0]][i]) if dynamic else len(row)
        assert count == len(expected)
        np.testing.assert_allclose(row[:count], expected, rtol=1e-5, atol=1e-6)


def test_frames_become_images(run, random_batch):
    net = LABELS | {
        "n": {"class": "reduce", "from": "f", "mode": "max", "axes": "T"},
        "two": {"class": "constant", "value": 2, "dtype": "int32", "with_batch_dim": True},
        "sizes": {"class": "stack", "from": ["n", "two"]},
        "output": {"class": "unflatten_nd", "from": "data", "sizes": "sizes", "num_axes": 2, "is_output_layer": True},
    }
    data, lengths = random_batch((6, 4))
    output = run(net, data, lengths).layers["output"]
    template = output.template
    assert [axis.kind for axis in template.axes] == ["batch", "time", "time", "feature"]
    for i, n in enumerate(lengths["data"]):
        rows = max(data["align"][i, :n])
        image = np.zeros((2 * rows, 5), "float32")
        image[: min(n, 2 * rows)] = data["data"][i, : min(n, 2 * rows)]
        np.testing.assert_array_equal(output.ordered(template.axes)[i, :rows, :2], image.reshape(rows, 2, 5))


def test_lengths_become_a_range(run, random_batch):
    net = LABELS | {
        "n": {"class": "reduce", "from": "f", "mode": "max", "axes": "T"},
        "output": {"class": "range_from_length", "from": "n", "is_output_layer": True},
    }
    data, lengths = random_batch((5, 3))
    output = run(net, data, lengths)
    wanted = [max(row[:n]) for row, n in zip(data["align"], lengths["align"], strict=True)]
    (axis,) = output.layers["output"].template.axes
    assert output.lengths[axis].numpy().tolist() == wanted
    assert output.layers["output"].value.numpy().tolist() == list(range(max(wanted)))


def test_packed_frames_are_a_part_of_the_batch_and_their_loss_counts_them(run, random_batch):
    net = LARGE | {"p": {"class": "boolean_mask", "from": "data", "mask": "m", "dims": ["B", "T"]}}
    net["output"] = {"class": "copy", "from": "p", "loss": "as_is"}
    data, lengths = random_batch((5, 2))
    loss = run(net, data, lengths).losses["output"]
    kept = [x for row, n in zip(data["data"], lengths["data"], strict=True) for x in row[:n] if x.sum() > 0]
    assert loss.frames == len(kept)
    np.testing.assert_allclose(loss.cost, np.sum(kept), rtol=1e-5)


def test_flattened_frames_have_the_loss_of_the_frames(run, random_batch):
    dense = {"class": "softmax", "from": "b", "n_out": 4, "loss": "ce", "target": "align"}
    flat = {"b": {"class": "flatten_batch", "from": "data"}, "output": dense}
    plain = {"b": {"class": "copy", "from": "data"}, "output": dense}
    found = [run(net, *random_batch((5, 2, 3))).losses["output"] for net in (flat, plain)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


NUMBERS = {
    "r": {"class": "random", "shape": (200,), "distribution": "normal", "mean": 1.0, "stddev": 0.5},
    "u": {"class": "random", "shape": (200,), "distribution": "uniform", "mean": 1.0, "stddev": 2.0},
    "s": {"class": "random", "shape": (200,), "distribution": "uniform", "maxval": 2.0, "static": True},
    "a": {"class": "random", "shape": (3,), "distribution": "truncated_normal", "explicit_state": "state"},
    "b": {"class": "random", "shape": (3,), "distribution": "truncated_normal", "explicit_state": "state"},
    "state": {"class": "random_state_init"},
    "i": {"class": "rand_int", "shape": (100, 2), "maxval": "limit", "minval": 1},
    "limit": {"class": "constant", "value": 4, "dtype": "int32"},
    "t": {"class": "train_flag"},
    "n": {"class": "global_train_step"},
    "output": {"class": "copy", "from": "data"},
}


def test_random_numbers_are_a_function_of_the_step(random_batch, extern_data):
    spec = describe({k: {**v, "is_output_layer": True} for k, v in NUMBERS.items()}, extern_data)

    def at(step, train=True):
        layers = run_network(spec, {}, *random_batch((2,)), train=train, step=step).layers
        return {name: layers[name].value.numpy() for name in NUMBERS if name != "output"}

    first, again, later = at(3), at(3), at(4)
    assert all((first[name] == again[name]).all() for name in first)
    assert all((first[name] != later[name]).any() for name in "rui")
    assert (first["s"] == later["s"]).all()
    assert (first["a"] == first["b"]).all()
    for name, mean, deviation in (("r", 1, 0.5), ("u", 1, 2)):
        assert abs(first[name].mean() - mean) < 0.4
        assert abs(first[name].std() - deviation) < 0.2
    assert 0 <= first["s"].min() < first["s"].max() < 2
    assert set(np.unique(first["i"])) == {1, 2, 3}
    assert (first["t"], at(3, train=False)["t"]) == (True, False)
    assert (first["n"], later["n"]) == (3, 4)


def test_layers_give_the_same_inside_a_loop_and_moved_out_of_it():
    import tensorflow as tf

    streams = {"dense": {"dim": 4}, "data": {"dim": 6, "sparse": True}, "align": {"dim": 4, "sparse": True}}
    rng = np.random.default_rng(1)
    data = {"dense": rng.normal(size=(3, 5, 4)).astype("float32"), "data": rng.integers(0, 6, (3, 4), "int32")}
    data["align"] = rng.integers(0, 4, (3, 4), "int32")
    lengths, found = {"dense": [5, 2, 3], "data": [1, 4, 2], "align": [4, 1, 2]}, []
    for options in ({}, {"optimize_move_layers_out": False}):
        net = {
            "letters": {"class": "linear", "from": "data:data", "n_out": 4, "activation": "tanh"},
            "output": {"class": "rec", "from": "data:dense", "unit": layers_of_shapes.IN_FRAMES, "loss": "as_is", **options},
        }  # fmt: skip
        spec, rng = describe(net, streams), np.random.default_rng(2)
        params = {
            path: tf.Variable(rng.normal(size=p.shape).astype("float32")) for path, p in sorted(spec.params.items())
        }
        with tf.GradientTape() as tape:
            cost = run_network(spec, params, data, lengths, train=True, step=2).losses["output"].cost
        found.append([cost, *map(tf.convert_to_tensor, tape.gradient(cost, list(params.values())))])
        moved = set(layers_of_shapes.IN_FRAMES) - set(spec.loops["output"].inside)
        assert moved == (
            {"window", "seen", "rest", "sum of rest", "reversed", "first", "last letter"} if not options else set()
        )
    for moved, kept in zip(*found, strict=True):
        np.testing.assert_allclose(moved, kept, rtol=1e-5, atol=1e-6)


def test_factors_grow_with_the_features_that_they_belong_to(extern_data):
    net = {
        "a": {"class": "linear", "from": "data", "n_out": 2},
        "x": {"class": "elemwise_prod", "from": ["data", "a"], "axes": "F"},
    }
    spec = describe({**net, "output": {"class": "copy", "from": "x"}}, extern_data)
    assert [[(part.label, part.size) for part in parts] for parts in spec.params["x/W"].splits] == [
        [("data:data", 5), ("a", 2)]
    ]


def ends(**options):
    """:return: a loop whose output in each frame are the letters from that one on"""
    unit = {
        "rest": {"class": "slice_nd", "from": "base:letters", "start": ":i", "size": None},
        "output": {"class": "copy", "from": "rest"},
    }
    return {
        "letters": {
            "class": "linear",
            "from": "data:letters",
            "n_out": 4,
            "activation": "tanh",
            "is_output_layer": True,
        },
        "loop": {"class": "rec", "from": "data", "unit": unit, **options},
        "output": {"class": "reduce", "from": "loop", "mode": "sum", "axes": "spatial:1", "is_output_layer": True},
    }


def test_ranges_that_a_loop_leaves_behind_keep_their_lengths(run, random_batch, values):
    output = run(ends(), *random_batch((5, 2)))
    letters = output.layers["letters"].ordered(output.layers["letters"].template.axes).numpy()
    for row, of_seq, n in zip(values(output), letters, (5, 2), strict=True):
        expected = [of_seq[start:n].sum(0) for start in range(n)]
        np.testing.assert_allclose(row[:n], expected, rtol=1e-5, atol=1e-6)


def test_axes_that_differ_between_iterations_cannot_leave_the_loop(extern_data):
    message = r"layer 'loop/unit/output' \(copy\): the lengths along its axis time:from\(letters, loop/:i, 0\) differ from iteration"
    with pytest.raises(NetworkError, match=message):
        describe(ends(optimize_move_layers_out=False), extern_data)


def distances(source, target):
    """:return: the last row of the table of edit distances"""
    row = list(range(len(target) + 1))
    for count, label in enumerate(source, 1):
        last, row = row, [count]
        for j, true in enumerate(target):
            row.append(min(last[j + 1] + 1, row[j] + 1, last[j] + (label != true)))
    return row


@pytest.mark.parametrize("blank", [None, 3])
def test_the_table_and_the_best_completions(run, random_batch, values, blank):
    options = {"target": "layer:base:data:classes", "blank_idx": blank}
    unit = {
        "label": {"class": "copy", "from": "data:source"},
        "table": {"class": "edit_distance_table", "from": "label", "is_output_layer": True, **options},
        "best": {"class": "optimal_completions", "from": "prev:table", **options},
        "output": {"class": "copy", "from": "best"},
    }
    source = "data:align" if blank else "small"
    net = {
        "small": {
            "class": "eval",
            "from": "data:align",
            "eval": "source(0) % 3",
            "out_type": {"sparse": True, "dim": 3},
        },
        "output": {"class": "rec", "from": source, "unit": unit, "is_output_layer": True},
        "rows": {"class": "copy", "from": "output/table", "is_output_layer": True},
        "distance": {"class": "edit_distance", "a": "small", "b": "data:classes", "is_output_layer": True},
    }
    data, lengths = random_batch((5, 2, 4))
    output = run(net, data, lengths)
    rows = output.layers["rows"].ordered(output.layers["rows"].template.axes).numpy()
    for i, (n, m) in enumerate(zip(lengths["align"], lengths["classes"], strict=True)):
        labels = data["align"][i, :n] if blank else data["align"][i, :n] % 3
        target = data["classes"][i, :m]
        for frame in range(n):
            before = [label for label in labels[:frame] if label != blank]
            then = [label for label in labels[: frame + 1] if label != blank]
            assert rows[i, frame, : m + 1].tolist() == distances(then, target)
            best = [
                min(distances([*before, label] if label != blank else before, target))
                for label in range(4 if blank else 3)
            ]
            assert values(output)[i, frame].tolist() == best
        if not blank:
            assert output.layers["distance"].value[i] == distances(labels, target)[-1]


@pytest.mark.parametrize("size", [3, None])
def test_frames_have_the_name_of_their_slice(size):
    net = {
        "segment": {"class": "slice_nd", "from": "data", "start": 1, "size": size},
        "output": {"class": "reduce", "from": "segment", "mode": "sum", "axes": "stag:sliced-time:segment"},
    }
    assert str(describe(net, {"data": {"dim": 5}}).layers["output"].template) == "[batch, feature:5] float32"
