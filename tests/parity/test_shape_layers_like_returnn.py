"""Layers that split, merge, add, remove and reduce axes or pad in time give the same numbers as in RETURNN."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 6, "shape": (None, 6)}, "classes": {"dim": 3, "sparse": True, "shape": (None,)}}
RAGGED, ONE = {"data": [5, 2, 4], "classes": [3, 4, 2]}, {"data": [5], "classes": [5]}
H = {"h": {"class": "linear", "from": "data", "n_out": 6, "activation": "tanh"}}
SPLIT = {"s": {"class": "split_dims", "from": "h", "axis": "F", "dims": (2, 3)}}


def of(source, class_name, **options):
    return {"x": {"class": class_name, "from": source, **options}}


def loop(options=None, **unit):
    return {"x": {"class": "rec", "from": "h", "unit": unit, **(options or {})}}


def linear(source, n_out):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh"}


# `v`, one vector per sequence, is added to each frame, since a loss needs frames
VECTOR = H | {"v": {"class": "reduce", "from": "h", "mode": "mean", "axes": "T"}}
ADD_TO_FRAMES = {"x": {"class": "combine", "kind": "add", "from": ["h", "w"]}}
CONV = {"class": "conv", "filter_size": (3, 3), "padding": "same", "with_bias": True, "auto_use_channel_first": False}
ATTENTION = {
    "s": linear(["data:source", "prev:c"], 6),
    "energy_in": {"class": "combine", "kind": "add", "from": ["s", "base:h"]},
    "energy": linear("energy_in", 2),
    "a": {"class": "softmax_over_spatial", "from": "energy"},
    "g": {"class": "generic_attention", "weights": "a", "base": "base:s"},
    "c": {"class": "merge_dims", "from": "g", "axes": "static"},
    "output": linear(["c", "s"], 4),
}


RAGGED_CASES = {
    "split": of("h", "split_dims", axis="F", dims=(2, -1)),
    "split in three": of("h", "split_dims", axis="F", dims=(-1, 1, 3)),
    "merge": SPLIT | of("s", "merge_dims", axes="except_time"),
    "merge static": SPLIT | of("s", "merge_dims", axes="static"),
    "merge in order": SPLIT | of("s", "merge_dims", axes=["dim:3", "dim:2"], keep_order=True),
    "merge frames": SPLIT | of("s", "merge_dims", axes=["T", "dim:2"]) | {},
    "expand F": of("h", "expand_dims", axis="F"),
    "expand F by 2": of("h", "expand_dims", axis="F", dim=2),
    "expand spatial": of("h", "expand_dims", axis="spatial", dim=2),
    **{f"features after expand {axis}": {"e": {"class": "expand_dims", "from": "h", "axis": axis}, "x": linear("e", 3)} for axis in (2, 3, "feature", "T")},
    "other features": SPLIT | {"r": {"class": "reinterpret_data", "from": "s", "set_axes": {"F": "dim:2"}}, "l": linear("r", 4)} | of("l", "reduce", mode="sum", axes="dim:3"),
    "one frame": VECTOR | {"e": {"class": "expand_dims", "from": "v", "axis": "T"}, "w": {"class": "squeeze", "from": "e", "axis": "T"}} | ADD_TO_FRAMES,
    "one of two frames": VECTOR | {"e": {"class": "expand_dims", "from": "v", "axis": "spatial", "dim": 2}, "w": {"class": "reduce", "from": "e", "mode": "mean", "axes": "T"}} | ADD_TO_FRAMES,
    "heads of a vector": VECTOR | {"s": {"class": "split_dims", "from": "v", "axis": "F", "dims": (3, -1)}, "w2": {"class": "merge_dims", "from": "s", "axes": "except_batch"}, "w": linear("w2", 6)} | ADD_TO_FRAMES,
    "merge spatial": SPLIT | of("s", "merge_dims", axes="spatial"),
    "merge by numbers": SPLIT | of("s", "merge_dims", axes=[2, 3], n_out=6),
    "merge one": SPLIT | of("s", "merge_dims", axes="B"),
    "attention with heads": SPLIT | loop(**ATTENTION),
    "attention with heads, kept in": SPLIT | loop({"optimize_move_layers_out": False}, **ATTENTION),
    "squeeze": {"s": {"class": "expand_dims", "from": "h", "axis": "spatial"}} | of("s", "squeeze", axis="auto"),
    "squeeze T": {"s": {"class": "expand_dims", "from": "h", "axis": "spatial"}} | of("s", "squeeze", axis="dim:1"),
    "reinterpret": of("h", "reinterpret_data", enforce_batch_major=True),
    **{f"reduce F {mode}": of("h", "reduce", mode=mode, axes="F", keep_dims=True) for mode in ("sum", "max", "min", "mean", "logsumexp")},
    **{f"reduce T {mode}": {**SPLIT, "r": {"class": "reduce", "from": "h", "mode": mode, "axes": "T"}} | of(["h", "r"], "combine", kind="add") for mode in ("sum", "max", "min", "mean", "logsumexp")},
    "reduce B and T": {"r": {"class": "reduce", "from": "h", "mode": "mean", "axes": "BT"}} | of(["h", "r"], "combine", kind="sub"),
    "reduce B": VECTOR | {"w": {"class": "reduce", "from": "v", "mode": "sum", "axes": "B"}} | ADD_TO_FRAMES,
    "reduce heads": SPLIT | of("s", "reduce", mode="mean", axes="dim:2"),
    "reduce features of heads": SPLIT | of("s", "reduce", mode="max", axes="F"),
    **{f"reduce_out {mode}": of("h", "reduce_out", mode=mode, num_pieces=3) for mode in ("max", "sum", "mean")},
    "constant": {"c": {"class": "constant", "value": 0.3}} | of(["h", "c"], "combine", kind="mul"),
    "prefix": of("h", "prefix_in_time", prefix=0.5, repeat=2),
    "postfix": of("h", "postfix_in_time", postfix=0.5),
    "heads in a loop": loop(
        heads={"class": "split_dims", "from": "data:source", "axis": "F", "dims": (2, 3)},
        best={"class": "reduce", "from": "heads", "mode": "max", "axes": "F"},
        flat={"class": "merge_dims", "from": "heads", "axes": "static"},
        maxout={"class": "reduce_out", "from": ["flat", "prev:output"], "mode": "max", "num_pieces": 2},
        output={"class": "linear", "from": ["maxout", "best"], "n_out": 4, "activation": "tanh"},
    ),
}  # fmt: skip
# with one sequence per batch, since these layers read the padding in RETURNN
SINGLE_CASES = {
    "windows of frames": of("h", "split_dims", axis="T", dims=(-1, 3), pad_value=0.5),
    "frames stacked": {"w": {"class": "split_dims", "from": "h", "axis": "T", "dims": (-1, 3)}}
    | of("w", "merge_dims", axes="static"),
    "windows of two frames": of("h", "split_dims", axis="T", dims=(-1, 2)),
    "lengths of windows": {"w": {"class": "split_dims", "from": "h", "axis": "T", "dims": (-1, 5)}}
    | {"m": {"class": "merge_dims", "from": "w", "axes": ["T", "dim:5"], "keep_order": True}}
    | of("m", "reinterpret_data", size_base="h"),
    "convolutions in front": {"c0": {"class": "split_dims", "from": "h", "axis": "F", "dims": (-1, 1)}}
    | {
        "c1": CONV | {"from": "c0", "n_out": 3},
        "c2": {"class": "pool", "from": "c1", "mode": "max", "padding": "same", "pool_size": (1, 2)},
    }
    | {
        "c3": CONV | {"from": "c2", "n_out": 2},
        "m": {"class": "merge_dims", "from": "c3", "axes": "static"},
        "x": linear("m", 4),
    },
    "labels with an end": {"p": {"class": "postfix_in_time", "from": "data:classes", "postfix": 2}}
    | {"x": {"class": "linear", "from": "p", "n_out": 3, "activation": None, "with_bias": False}},
    "lengths of another stream": of("h", "reinterpret_data", size_base="data:classes"),
}
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
