"""Layers that concatenate, split, cut, move, repeat, chunk, sort and print entries give the same numbers as in RETURNN."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 6, "shape": (None, 6)},
    "classes": {"dim": 3, "sparse": True, "shape": (None,)},
}
RAGGED, ONE = {"data": [5, 2, 4], "classes": [3, 4, 2]}, {"data": [5], "classes": [4]}


def of(source, class_name, **options):
    return {"x": {"class": class_name, "from": source, **options}}


def linear(source, n_out=6):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh"}


def summed(layers, axes):
    """:return: layers whose output is the sum of `w` over `axes`"""
    return {"w": layers["x"], "x": {"class": "reduce", "from": "w", "mode": "sum", "axes": axes}} | {
        name: layer for name, layer in layers.items() if name != "x"
    }


H = {
    "h": linear("data"),
    "s": {"class": "split_dims", "from": "h", "axis": "F", "dims": (2, 3)},
    "g": linear("data:classes"),
    "v": {"class": "reduce", "from": "h", "mode": "mean", "axes": "T"},
}
WHOLE = {"target": "layer:base:data:classes"}
FLOATS = {"class": "eval", "eval": "tf.cast(source(0), tf.float32)", "out_type": {"dtype": "float32"}}
TABLE = {
    "prob": {"class": "softmax", "from": ["data:source", "prev:output"], "n_out": 3, "target": None},
    "label": {"class": "reduce", "from": "prob", "mode": "argmax", "axes": "F"},
    "table": {"class": "edit_distance_table", "from": "label", **WHOLE},
    "best": {"class": "optimal_completions", "from": "prev:table", **WHOLE},
    "numbers": FLOATS | {"from": "best"},
    "output": linear(["data:source", "numbers"], 4),
}
TABLE_WITH_BLANKS = TABLE | {
    "prob": {"class": "softmax", "from": ["data:source", "prev:output"], "n_out": 4, "target": None},
    "table": TABLE["table"] | {"blank_idx": 3},
    "best": TABLE["best"] | {"blank_idx": 3},
}
RAGGED_CASES = {
    "concat F": {"x": {"class": "concat", "from": [("h", "F"), ("l", "F")]}, "l": linear("h", 2)},
    "concat heads": {"c": {"class": "concat", "from": [("s", "dim:2"), ("t", "dim:2")]}, "t": {"class": "split_dims", "from": "l", "axis": "F", "dims": (2, -1)}, "l": linear("h")} | of("c", "reduce", mode="max", axes="dim:4"),
    "split F": of(["p/0", "p/1"], "combine", kind="mul") | {"p": {"class": "split", "from": "h", "num_splits": 2}},
    "split sizes": of(["p/2", "p/0"], "copy") | {"p": {"class": "split", "from": "h", "size_splits": [1, 3, 2]}},
    "split heads": {"p": {"class": "split", "from": "s", "axis": "dim:2", "num_splits": 2}, "q": {"class": "combine", "kind": "sub", "from": ["p/0", "p/1"]}} | of("q", "squeeze", axis="dim:1"),
    "swap axes": {"w": {"class": "swap_axes", "from": "s", "axis1": "dim:2", "axis2": "F"}} | of("w", "merge_dims", axes="static"),
    "swapped features": of("w", "linear", n_out=4) | {"w": {"class": "swap_axes", "from": "s", "axis1": "dim:2", "axis2": "F"}},
    "features before time": of("w", "linear", n_out=4) | {"w": {"class": "swap_axes", "from": "h", "axis1": "T", "axis2": "F"}},
    "swapped after transpose": {"t": {"class": "transpose", "from": "s", "perm": {"dim:2": "F", "F": "dim:2"}}, "w": {"class": "swap_axes", "from": "t", "axis1": "dim:2", "axis2": "F"}} | of("w", "linear", n_out=4),
    "transpose": {"w": {"class": "transpose", "from": "s", "perm": {"dim:2": "F", "F": "dim:2"}}} | of("w", "merge_dims", axes="static"),
    "slice F": of("h", "slice", axis="F", slice_start=1, slice_end=-1),
    "slice F step": of("h", "slice", axis="F", slice_start=1, slice_step=2),
    "slice F end": of("h", "slice", axis="F", slice_end=2),
    "slice heads": {"w": {"class": "slice", "from": "s", "axis": "dim:2", "slice_start": 1}} | of("w", "merge_dims", axes="static"),
    "slice T": of("h", "slice", axis="T", slice_start=1),
    "slice T step": of("h", "slice", axis="T", slice_step=2),
    "slice T both": of("h", "slice", axis="T", slice_start=1, slice_step=2),
    "slice T end": of("h", "slice", axis="T", slice_end=-1),
    "slice_nd frames": summed(of("h", "slice_nd", start="data:classes", size=2), "dim:2"),
    "stack": {"y": {"class": "stack", "from": ["h", "k"]}, "k": linear("h")} | of("y", "reduce", mode="max", axes="dim:2"),
    "stack heads": {"y": {"class": "stack", "from": ["s", "t"]}, "t": {"class": "split_dims", "from": "k", "axis": "F", "dims": (2, 3)}, "k": linear("h")} | of("y", "merge_dims", axes="static"),
    "stack last": {"y": {"class": "stack", "from": ["h", "k"], "axis": -1}, "k": linear("h"), "z": linear("y", 3)} | of("z", "reduce", mode="sum", axes="dim:6"),
    "pad F": of("h", "pad", axes="F", padding=(1, 2), value=0.5),
    "pad F reflect": of("h", "pad", axes="F", padding=2, mode="reflect"),
    "pad F symmetric": of("h", "pad", axes="F", padding=2, mode="symmetric"),
    "pad F replication": of("h", "pad", axes="F", padding=(2, 1), mode="replication"),
    "pad T": of("h", "pad", axes="T", padding=(2, 1), handle_dynamic_dims=True, value=1.5),
    "pad two": {"w": {"class": "pad", "from": "s", "axes": ["F", "dim:2"], "padding": [(1, 2), (0, 1)]}} | of("w", "merge_dims", axes="static"),
    "range": {"r": {"class": "range", "from": [], "limit": 6, "dtype": "float32"}} | of(["h", "r"], "combine", kind="add"),
    "range from": {"r": {"class": "range", "from": [], "start": 2, "limit": 14, "delta": 2, "dtype": "float32"}} | of(["h", "r"], "combine", kind="mul"),
    "shift F": of("h", "shift_axis", axis="F", amount=2, adjust_size_info=False),
    "shift F left": of("h", "shift_axis", axis="F", amount=-2, pad=False),
    "shift T": of("h", "shift_axis", axis="T", amount=1, adjust_size_info=False, pad_value=0.5),
    "shift T left": of("h", "shift_axis", axis="T", amount=-1, pad=False),
    "resize": of("h", "resize", factor=3, axis="T"),
    "resize fill": of("h", "resize", factor=2, axis="T", kind="fill", fill_value=0.5),
    "resize classes": {"w": {"class": "resize", "from": "data:classes", "factor": 2, "axis": "T", "kind": "fill", "fill_value": -1}} | of("w", "linear", n_out=3, activation=None),
    "repeat F": {"w": {"class": "repeat", "from": "s", "repetitions": 2, "axis": "dim:2"}} | of("w", "merge_dims", axes=["dim:4", "F"], keep_order=True),
    "repeat by layer": of("g", "repeat", repetitions="data:classes", axis="T"),
    "flatten": {"f": {"class": "flatten_batch", "from": "h"}, "l": linear("f")} | of("l", "unflatten_batch"),
    "merge batch": {"f": {"class": "merge_dims", "from": "h", "axes": ["B", "T"], "keep_order": True}, "l": linear("f")} | of("l", "split_batch_time", base="h"),
    "tile": of("h", "tile", multiples={"F": 3}),
    "tile heads": {"w": {"class": "tile", "from": "s", "multiples": {"dim:2": 2, "F": 2}}} | of("w", "merge_dims", axes="static"),
    "combine_dims": of("s", "combine_dims", axes=["F", "dim:2"]),
    "elemwise_prod": of("h", "elemwise_prod", axes="F", size=(6,)),
    "elemwise_prod heads": {"w": {"class": "elemwise_prod", "from": "s", "axes": "static"}} | of("w", "merge_dims", axes="static"),
    "top_k": {"w": {"class": "top_k", "from": "s", "axis": "F", "k": 1}} | of("w", "squeeze", axis="dim:1"),
    "top_k numbers": {"w": {"class": "top_k", "from": "h", "axis": "F", "k": 1}, "q": {"class": "squeeze", "from": "w/indices", "axis": "dim:1"}, "x": linear("q", 3)},
    "top_k of two axes": {"w": {"class": "top_k", "from": "s", "axis": ["dim:2", "F"], "k": 1}, "q": {"class": "squeeze", "from": "w/indices0", "axis": "dim:1"}, "r": {"class": "squeeze", "from": "w/indices1", "axis": "dim:1"}, "y": linear("q", 3), "z": linear("r", 3)} | of(["y", "z"], "copy"),
    "print": of("h", "print", summarize=2),
    "identity": of("h", "identity"),
    "source": of("r", "linear", n_out=3, activation=None) | {"r": {"class": "source", "data_key": "classes"}},
    "hidden": of("b", "hidden", n_out=3, activation="tanh") | {"b": {"class": "forward", "from": "h", "n_out": 3, "activation": None}},
    "scaled_grad": of("h", "scaled_grad", scale=-0.5),
    "stopped": of(["h", "z"], "combine", kind="mul") | {"z": {"class": "scaled_grad", "from": "k", "scale": 0}, "k": linear("h")},
    "shifted gradient": of("h", "scaled_grad", scale=0.5, shift=0.1, scale_shift_by_sum_over_axis="F", clip_max_axis="F"),
    "edit distance": {"x": {"class": "rec", "from": "h", "unit": TABLE}},
    "edit distance with blanks": {"x": {"class": "rec", "from": "h", "unit": TABLE_WITH_BLANKS}},
    "distance": {"d": {"class": "edit_distance", "a": "best", "b": "data:classes"}, "best": {"class": "reduce", "from": "p", "mode": "argmax", "axes": "F"}, "p": {"class": "softmax", "from": "h", "n_out": 3}, "f": {"class": "cast", "from": "d", "dtype": "float32"}} | of(["h", "f"], "combine", kind="add"),
    "scaled by a layer": of("h", "scaled_grad", scale="k") | {"k": linear("data")},
}  # fmt: skip
# with one sequence per batch, since these layers read the padding in RETURNN
SINGLE_CASES = {
    "pad T left": of("h", "pad", axes="T", padding=(2, 0), mode="reflect"),
    "concat T": {"x": {"class": "concat", "from": [("h", "T"), ("g", "T")]}},
    "concat a frame": {"e": {"class": "expand_dims", "from": "v", "axis": "T"}, "x": {"class": "concat", "from": [("e", "T"), ("h", "T")]}},
    "reversed": of("h", "slice", axis="T", slice_step=-1),
    "first frames": {"w": {"class": "slice", "from": "h", "axis": "T", "slice_start": 1, "slice_end": 3}} | {"m": {"class": "reduce", "from": "w", "mode": "sum", "axes": "T"}} | of(["h", "m"], "combine", kind="add"),
    "pad T reflect": of("h", "pad", axes="T", padding=2, mode="reflect"),
    "pad T symmetric": of("h", "pad", axes="T", padding=(1, 3), mode="symmetric"),
    "pad T replication": of("h", "pad", axes="T", padding=(1, 2), mode="replication"),
    "shift T right": of("h", "shift_axis", axis="T", amount=2),
    "shift T right shorter": of("h", "shift_axis", axis="T", amount=2, pad=False),
    "linear 3": of("h", "resize", factor=3, axis="T", kind="linear"),
    "cubic 2": of("h", "resize", factor=2, axis="T", kind="cubic"),
    "linear 1.7": of("h", "resize", factor=1.7, axis="T", kind="linear"),
    "cubic 1.7": of("h", "resize", factor=1.7, axis="T", kind="cubic"),
    "cubic 0.6": of("h", "resize", factor=0.6, axis="T", kind="cubic"),
    "nn 0.6": of("h", "resize", factor=0.6, axis="T"),
    "chunks": {"c": {"class": "time_chunking", "from": "h", "chunk_size": 3, "chunk_step": 2}, "r": {"class": "rec", "unit": "nativelstm2", "from": "c", "n_out": 4}} | of("r", "time_unchunking", chunking_layer="c"),
    "chunks without overlap": {"c": {"class": "time_chunking", "from": "h", "chunk_size": 2, "chunk_step": 2}, "r": {"class": "rec", "unit": "nativelstm2", "from": "c", "n_out": 4, "direction": -1}} | of("r", "time_unchunking", chunking_layer="c"),
}  # fmt: skip
CASES = {name: (net, RAGGED) for name, net in RAGGED_CASES.items()} | {
    name: (net, ONE) for name, net in SINGLE_CASES.items()
}


@pytest.fixture(scope="module")
def results(returnn):
    cases = {}
    for name, (layers, lengths) in CASES.items():
        net = H | layers | {"output": {"class": "eval", "from": "x", "eval": "tf.square(source(0))", "loss": "as_is"}}
        cases[name] = network_case(net, EXTERN_DATA, lengths, ("x",))
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_match(results, name):
    compare(*results[name])
