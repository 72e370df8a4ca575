"""Layers that read or write at positions, choose between values or read lengths give the same numbers as in RETURNN."""

from functools import partial

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 6, "shape": (None, 6)},
    "classes": {"dim": 2, "sparse": True, "shape": (None,)},
}
LENGTHS, EQUAL = {"data": [5, 2, 4], "classes": [3, 4, 2]}, {"data": [5, 5, 5], "classes": [3, 3, 3]}
H = {
    "h": {"class": "linear", "from": "data", "n_out": 6, "activation": "tanh"},
    "v": {"class": "reduce", "from": "h", "mode": "mean", "axes": "T"},
    "length": {"class": "length", "from": "data"},
    "zero": {"class": "reduce", "from": "v", "mode": "argmax", "axes": "F"},
    "one": {"class": "compare", "from": "zero", "value": 2, "kind": "greater"},
    "first": {"class": "eval", "from": "one", "eval": "tf.cast(source(0), tf.int32)", "out_type": {"dtype": "int32"}},
    "numbers": {"class": "range_in_axis", "from": "data", "axis": "T"},
    "positive": {"class": "compare", "from": "h", "value": 0.0, "kind": "greater"},
    "loud": {"class": "compare", "from": "sum", "value": 0.0, "kind": "greater"},
    "sum": {"class": "reduce", "from": "h", "mode": "sum", "axes": "F"},
    "steps": {"class": "eval", "from": ["loud", "numbers"], "eval": "source(1) // 2 + 0 * tf.cast(source(0), tf.int32)",
              "out_type": {"dtype": "int32"}},
}  # fmt: skip
ADD = {"x": {"class": "combine", "kind": "add", "from": ["h", "w"]}}


def of(class_name, source="h", **options):
    return {"x": {"class": class_name, "from": source, **options}}


def switch(condition, true_from, false_from, name="x"):
    return {name: {"class": "switch", "condition": condition, "true_from": true_from, "false_from": false_from}}


def _not_in_search(network, **_):
    return not network.search_flag


LOOP = {
    "at": {"class": "gather", "from": "base:h", "position": ":i", "axis": "T"},
    "s": {"class": "linear", "from": ["at", "prev:output"], "n_out": 6, "activation": "tanh"},
    "q": {"class": "gather_nd", "from": "base:h", "position": "prev:p"},
    "best": {"class": "reduce", "from": "s", "mode": "argmax", "axes": "F"},
    "p": {"class": "eval", "from": "best", "eval": "tf.minimum(source(0), 1)", "initial_output": 0},
    "last": {"class": "compare", "from": "best", "value": 2, "kind": "greater"},
    "output": {"class": "switch", "condition": "last", "true_from": "s", "false_from": "q"},
}
CASES = {
    "gather a number": H | {"w": {"class": "gather", "from": "h", "position": 1, "axis": "T"}} | ADD,
    "gather features": {"s": {"class": "split_dims", "from": "h", "axis": "F", "dims": (2, 3)}}
    | {"w": {"class": "gather", "from": "s", "position": 1, "axis": "dim:2"}} | of("linear", "w", n_out=3, activation=None),
    "gather by sequence": {"w": {"class": "gather", "from": "h", "position": "first", "axis": "T"}} | ADD,
    "gather by frame": of("gather", position="steps", axis="T"),
    "gather clipped": {"w": {"class": "gather", "from": "h", "position": "length", "axis": "T", "clip_to_valid": True}} | ADD,
    "gather_nd": {"w": {"class": "gather_nd", "from": "h", "position": "first"}} | ADD,
    "gather_nd by frame": of("gather_nd", position="steps"),
    "switch of frames": switch("positive", "h", 0.5),
    "switch of sequences": switch("one", "h", "v"),
    "switch by a function": switch(_not_in_search, "h", "nothing"),
    "length": {"f": {"class": "eval", "from": "length", "eval": "tf.cast(source(0), tf.float32)", "out_type": {"dtype": "float32"}}}
    | {"x": {"class": "combine", "kind": "mul", "from": ["h", "f"]}},
    "seq_len_mask": of("seq_len_mask", mask_value=0.3),
    "seq_len_mask from a frame": of("seq_len_mask", mask_value=0.3, start="first"),
    "seq_len_mask of a window": of("seq_len_mask", mask_value=-1.0, window_start="first", window_size=2),
    "in a loop": {"x": {"class": "rec", "from": "h", "unit": LOOP}},
    "in a loop, kept in": {"x": {"class": "rec", "from": "h", "unit": LOOP, "optimize_move_layers_out": False}},
}  # fmt: skip
SCATTER = {
    "scatter_nd": of("scatter_nd", position="steps", position_axis="T", output_dim_via_time_from="data"),
    "scatter_nd, filtered": {
        "far": {"class": "eval", "from": "steps", "eval": "source(0) * 3 - 1"},
        **of(
            "scatter_nd",
            position="far",
            position_axis="T",
            output_dim_via_time_from="data",
            filter_invalid_indices=True,
        ),
    },
    "scatter_nd of vectors": of(
        "scatter_nd", "v", position="steps", position_axis="T", output_dim_via_time_from="data"
    ),
}
"""RETURNN adds the padding, too."""


def made_cases():
    """:return: name → function that makes the case"""
    output = {"output": {"class": "eval", "from": "x", "eval": "tf.square(source(0))", "loss": "as_is"}}
    ragged = {
        name: partial(network_case, H | net | output, EXTERN_DATA, LENGTHS, ("x",)) for name, net in CASES.items()
    }
    equal = {name: partial(network_case, H | net | output, EXTERN_DATA, EQUAL, ("x",)) for name, net in SCATTER.items()}
    return ragged | equal


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(returnn, {name: make() for name, make in made_cases().items()})


@pytest.mark.parametrize("name", [*CASES, *SCATTER])
def test_outputs_and_gradients_match(results, name):
    compare(*results[name])
