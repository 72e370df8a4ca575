"""`merge_dims` and `split_dims`: empty batches, and round trips."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.network import describe, run_network

H = {"h": {"class": "linear", "from": "data", "n_out": 6, "activation": None, "is_output_layer": True}}


@pytest.mark.parametrize("axes", ["static", ["T", "dim:2"], "except_time"])
def test_a_batch_without_frames(axes, run, random_batch):
    net = H | {
        "s": {"class": "split_dims", "from": "h", "axis": "F", "dims": (2, -1)},
        "w": {"class": "split_dims", "from": "h", "axis": "T", "dims": (-1, 3), "is_output_layer": True},
        "output": {"class": "merge_dims", "from": "s", "axes": axes},
    }
    output = run(net, *random_batch((0, 0)))
    assert output.layers["w"].value.shape[0] * output.layers["w"].value.shape[1] in (0, 2 * 6)
    assert all(size.numpy().tolist() == [0, 0] for axis, size in output.lengths.items() if "data" in str(axis))
    assert 0 in output.layers["output"].value.shape


@settings(max_examples=15, deadline=None, derandomize=True)
@given(lengths=st.lists(st.integers(0, 7), min_size=1, max_size=4), window=st.integers(1, 4), padding=st.integers(0, 3))
def test_unstacking_stacked_frames_is_the_identity(lengths, window, padding):
    net = H | {
        "w": {"class": "split_dims", "from": "h", "axis": "T", "dims": (-1, window), "pad_value": 9},
        "stacked": {"class": "merge_dims", "from": "w", "axes": "static", "is_output_layer": True},
        "again": {"class": "split_dims", "from": "stacked", "axis": "F", "dims": (window, -1)},
        "m": {"class": "merge_dims", "from": "again", "axes": ["T", "static:0"], "is_output_layer": True},
        "output": {"class": "reinterpret_data", "from": "m", "size_base": "data"},
    }
    spec = describe(net, {"data": {"dim": 6}})
    data = np.random.default_rng(1).normal(size=(len(lengths), max(lengths) + padding, 6)).astype("float32")
    params = {"h/W": np.eye(6, dtype="float32"), "h/b": np.zeros(6, "float32")}
    found = run_network(spec, params, {"data": data}, {"data": np.array(lengths, "int32")})
    stacked, merged, output = (found.layers[name] for name in ("stacked", "m", "output"))
    windows = [-(-n // window) for n in lengths]
    assert found.lengths[stacked.template.time].numpy().tolist() == windows
    assert found.lengths[merged.template.time].numpy().tolist() == [window * n for n in windows]
    assert str(output.template) == "[batch, time:data, feature:6] float32"
    for i, n in enumerate(lengths):
        frames = merged.ordered(merged.template.axes)[i, : window * windows[i]].numpy()
        np.testing.assert_array_equal(frames[:n], data[i, :n])
        assert (frames[n:] == 9).all()
        np.testing.assert_array_equal(output.ordered(output.template.axes)[i, :n], data[i, :n])


@pytest.mark.parametrize(
    ("window", "repetitions", "time"),
    [(2, 1, "every(data, 2)"), (3, 3, "data"), (2, 6, "repeat(data, 3)"), (2, 3, "every(repeat(data, 3), 2)")],
)
def test_axes_with_the_same_number_of_windows_are_equal(window, repetitions, time, run, random_batch):
    net = H | {
        "r": {"class": "repeat", "from": "h", "repetitions": repetitions},
        "w": {"class": "split_dims", "from": "r", "axis": "T", "dims": (-1, window)},
        "a": {"class": "reduce", "from": "w", "mode": "max", "axes": "static:0"},
        "b": {"class": "pool", "from": "r", "mode": "max", "pool_size": [window], "padding": "same"},
        "output": {"class": "combine", "kind": "sub", "from": ["a", "b"], "is_output_layer": True},
    }
    net["w"]["pad_value"] = -99
    output = run(net, *random_batch((5, 2)))
    x = output.layers["output"]
    assert str(x.template) == f"[batch, time:{time}, feature:6] float32"
    lengths = [-(-repetitions * n // window) for n in (5, 2)]
    assert output.lengths[x.template.time].numpy().tolist() == lengths
    for row, n in zip(x.ordered(x.template.axes), lengths, strict=True):
        np.testing.assert_array_equal(row[:n], 0)


def test_class_indices_are_split_into_windows(run, random_batch, values):
    net = {"output": {"class": "split_dims", "from": "data:letters", "axis": "T", "dims": (-1, 2), "pad_value": 5.0}}
    data, lengths = random_batch((3, 1))
    output = run(net, data, lengths)
    assert str(output.layers["output"].template) == "[batch, time:every(letters, 2), spatial:2], 6 classes int32"
    first, second = data["letters"]
    np.testing.assert_array_equal(values(output)[0], [first[:2], [first[2], 5]])
    np.testing.assert_array_equal(values(output)[1, 0], [second[0], 5])
