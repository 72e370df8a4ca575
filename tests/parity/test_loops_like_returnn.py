"""Layers in loops, moved out or kept in, give the same numbers as in RETURNN."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases
from tests.parity.published_style import add, cell, linear, lstm

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 5, "shape": (None, 5)},
    "phones": {"dim": 9, "sparse": True, "shape": (None,)},
    "align": {"dim": 6, "sparse": True, "shape": (None,)},
}
LENGTHS = {"data": [7, 4, 6], "phones": [4, 6, 3], "align": [7, 4, 6]}
EQUAL_LENGTHS = {key: [lengths[0]] * 3 for key, lengths in LENGTHS.items()}


def tanh(source, n_out, **options):
    return linear(source, n_out, "tanh", **options)


FRAME_AND_OUTPUT = ["data:source", "prev:output"]
FRAME_INDEX = {
    "class": "eval",
    "from": ":i",
    "eval": "tf.cast(source(0), tf.float32) * 0.1",
    "out_type": {"dtype": "float32"},
}
UNITS = {
    "axes, norm, dropout, constants": {
        "a": tanh("data:source", 8),
        "norm": {"class": "layer_norm", "from": "a"},
        "heads": {"class": "split_dims", "axis": "F", "dims": (2, 2, 2), "from": "norm"},
        "best": {"class": "reduce", "mode": "max", "axes": "F", "from": "heads"},
        "flat_best": {"class": "merge_dims", "axes": "static", "from": "best"},
        "flat": {"class": "merge_dims", "axes": "static", "from": "heads"},
        "maxout": {"class": "reduce_out", "mode": "max", "num_pieces": 2, "from": "flat"},
        "e": {"class": "expand_dims", "axis": "spatial", "from": "maxout"},
        "squeezed": {"class": "squeeze", "axis": "auto", "from": "e"},
        "scale": {"class": "constant", "value": 0.3},
        "scaled": {"class": "combine", "kind": "mul", "from": ["squeezed", "scale"]},
        "again": {"class": "reinterpret_data", "from": "scaled", "enforce_batch_major": True},
        "s": cell(["again", "prev:o2"], 4, "GRU"),
        "o2": tanh(["s", "flat_best"], 3),
        "d": {"class": "dropout", "from": "o2", "dropout": 0.0},
        "output": {"class": "activation", "activation": "sigmoid", "from": "d"},
    },
    "self attention with positions": {
        "q": tanh(FRAME_AND_OUTPUT, 6),
        "p": {"class": "positional_encoding", "add_to_input": True, "from": "q"},
        "att": {
            "class": "self_attention", "from": "p", "n_out": 6, "num_heads": 3, "total_key_dim": 6, "attention_left_only": True,
        },
        "output": tanh(["att", "p"], 5),
    },
    "index of the frame": {"i": FRAME_INDEX, "x": add("data:source", "i"), "output": tanh(["x", "prev:output"], 4)},
    "initial outputs": {
        "a": tanh(["data:source", "prev:a", "prev:b", "prev:c", "prev:d"], 3, initial_output="ones"),
        "b": tanh("a", 3, initial_output="zeros"),
        "c": tanh("a", 3, initial_output=1),
        "d": tanh("a", 2, initial_output="base:vector"),
        "output": tanh(FRAME_AND_OUTPUT, 3) | {"from": ["a", "prev:output"]},
    },
    "what layers compute from zeros": {
        "a": tanh(["data:source", "prev:a", "prev:b", "prev:output"], 2, initial_output="apply(0)"),
        "b": tanh(["data:source", "prev:output"], 3, initial_output="apply(0)"),
        "sum": {
            "class": "eval", "from": ["a", "base:vector"], "eval": "source(0) + 2. * source(1) + 1.", "initial_output": "apply(0)",
        },
        "output": tanh(["a", "b", "prev:sum", "prev:output"], 3, initial_output="apply(0)"),
    },
    "products": {
        "q": tanh(FRAME_AND_OUTPUT, 4),
        "e": {
            "class": "dot", "red1": "F", "red2": "F", "var1": "T", "var2": None, "from": ["base:other", "q"],
            "add_var2_if_empty": False,
        },
        "w": {"class": "softmax_over_spatial", "from": "e", "axis": "T"},
        "c": {
            "class": "dot", "red1": "T", "red2": "T", "var1": "F", "var2": None, "from": ["base:other", "w"],
            "add_var2_if_empty": False,
        },
        "output": tanh(["c", "q"], 4),
    },
    "an encoder in each frame": {
        "inner": lstm("base:other", 3),
        "last": {"class": "get_last_hidden_state", "from": "inner", "n_out": 6},
        "output": tanh(["data:source", "last", "prev:output"], 4),
    },
    "a loop in each frame": {
        "s": tanh(["data:source", "prev:best"], 3),
        "inner": {
            "class": "rec", "from": "base:other", "n_out": 3,
            "unit": {"h": tanh(["data:source", "prev:h", "base:s"], 3), "output": {"class": "copy", "from": "h"}},
        },
        "best": {"class": "reduce", "mode": "max", "axes": "T", "from": "inner"},
        "output": tanh(["best", "s"], 4),
    },
    "prefix and postfix in each frame": {
        "q": tanh(FRAME_AND_OUTPUT, 4),
        "longer": {"class": "postfix_in_time", "from": "base:other", "postfix": 0.3},
        "begun": {"class": "prefix_in_time", "from": "longer", "prefix": 0.2},
        "sum": add("begun", "q"),
        "mean": {"class": "reduce", "mode": "mean", "axes": "T", "from": "sum"},
        "output": tanh(["mean", "q"], 4),
    },
    "windows in each frame": {
        "q": tanh(FRAME_AND_OUTPUT, 4),
        "m": {"class": "combine", "kind": "mul", "from": ["base:other", "q"]},
        "c": {"class": "conv", "filter_size": (3,), "padding": "same", "n_out": 4, "from": "m", "with_bias": True},
        "p": {"class": "pool", "mode": "avg", "pool_size": (2,), "padding": "same", "from": "c"},
        "mean": {"class": "reduce", "mode": "mean", "axes": "T", "from": "p"},
        "output": tanh(["mean", "q"], 4),
    },
    "a unit of single layers": {
        "both": {"class": "copy", "from": ["prev:output", "data:source"]},
        **{name: linear("both", 3, "sigmoid") for name in ("write", "keep", "show")},
        "new": tanh("both", 3),
        "c": {"class": "eval", "from": ["write", "new", "keep", "prev:c"], "eval": "source(0) * source(1) + source(2) * source(3)"},
        "output": {"class": "eval", "from": ["show", "c"], "eval": "source(0) * source(1)"},
    },
    "the previous value of a switch": {
        "mean": {"class": "reduce", "mode": "mean", "axes": "F", "from": "prev:output"},
        "emit": {"class": "compare", "from": "mean", "kind": "greater", "value": 0.0},
        "start": {"class": "switch", "condition": "emit", "true_from": ":i", "false_from": "prev:start", "initial_output": 0},
        "i": {"class": "eval", "from": "start", "eval": "tf.cast(source(0), tf.float32) * 0.1", "out_type": {"dtype": "float32"}},
        "x": add("data:source", "i"),
        "output": tanh(["x", "prev:output"], 4),
    },
    "two outputs and two units": {
        "s": lstm(["data:source", "prev:y"], 3, unit="standardlstm"),
        "y": tanh("s", 3, is_output_layer=True),
        "s2": cell(["s", "prev:y"], 3, "BasicLSTM"),
        "output": tanh("s2", 4),
    },
}  # fmt: skip


def network(name: str, kept: bool) -> dict:
    loop = {"class": "rec", "from": "encoder", "unit": UNITS[name]} | (
        {"optimize_move_layers_out": False} if kept else {}
    )
    return {
        "encoder": lstm("data", 4),
        "other": linear("data:phones", 4),
        "mean": {"class": "reduce", "mode": "mean", "axes": "T", "from": "encoder"},
        "vector": tanh("mean", 2),
        "loop": loop,
        "second": {"class": "rec", "from": ["loop", "encoder"], "unit": {"output": cell(FRAME_AND_OUTPUT, 4, "GRU")}},
        "output": {
            "class": "softmax", "from": ["second", "loop/y"] if "y" in UNITS[name] else "second", "loss": "ce", "target": "align",
        },
    }  # fmt: skip


@pytest.fixture(scope="module")
def results(returnn):
    cases = {
        (name, kept): network_case(
            network(name, kept),
            EXTERN_DATA,
            EQUAL_LENGTHS if "windows" in name else LENGTHS,
            ("loop", "second", "output"),
        )
        for name in UNITS
        for kept in (False, True)
    }
    return run_cases(returnn, cases)


@pytest.mark.parametrize("kept", [False, True], ids=["moved out", "kept in"])
@pytest.mark.parametrize("name", UNITS)
def test_outputs_and_gradients_match(results, name, kept):
    compare(*results[name, kept])
