"""Attention, positions, products, convolutions, pooling and activations give the same numbers as in RETURNN.

In RETURNN, a convolution or pooling reads the padding at the end of a sequence, so their batches have a single sequence.
"""

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 6, "shape": (None, 6)},
    "classes": {"dim": 3, "sparse": True, "shape": (None,)},
    "labels": {"dim": 5, "sparse": True, "shape": (None,)},
}
RAGGED = {"data": [5, 2, 4], "classes": [3, 4, 2], "labels": [5, 2, 4]}


def linear(source, n_out, activation=None, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": activation, **options}


def with_cost(layers: dict) -> dict:
    """:return: `layers` with the squares of `x` as a loss, unless `x` has another axis before time, where RETURNN has no losses"""
    cost = {} if "in_spatial_dims" in layers["x"] else {"loss": "as_is"}
    return {**layers, "output": {"class": "eval", "from": "x", "eval": "tf.square(source(0))", **cost}}


def attention(heads: int, **options) -> dict:
    return {
        "energy": linear("data", heads, "tanh"),
        "weights": {"class": "softmax_over_spatial", "from": "energy", **options},
        "x": {"class": "generic_attention", "weights": "weights", "base": "data"},
    }


def dot(first, second, **options) -> dict:
    return {"a": linear("data", 4), "b": linear("data", 6), "x": {"class": "dot", "from": [first, second], **options}}


def self_attention(**options) -> dict:
    return {
        "distance": {"class": "relative_positional_encoding", "from": "data", "n_out": 4, "clipping": 2},
        "fixed": {
            "class": "relative_positional_encoding", "from": "data", "n_out": 4, "clipping": 2, "fixed": True, "is_output_layer": True,
        },
        "x": {"class": "self_attention", "from": "data", "n_out": 6, "total_key_dim": 8, "num_heads": 2, **options},
    }  # fmt: skip


COMBINATIONS = (
    "add", "sub", "mul", "truediv", "pow", "maximum", "minimum", "average", "squared_difference",
)  # fmt: skip
COMPARISONS = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
MASKS = (*(f"c {kind}" for kind in COMPARISONS), "small", "or", "and")
ACTIVATIONS = [
    "neg", "2 * sigmoid", "sigmoid * 2 + 1", "tf.maximum(x, 0.1)", "gelu", "gelu2", "gelu3", "relu6", "leaky_relu", "softsign",
    "erf", "relu * tanh", "1 - sigmoid", "silu", "safe_log",
]  # fmt: skip
LAYERS = {
    "attention": attention(1),
    "attention of heads": attention(3, energy_factor=0.3),
    "attention in a window": attention(2, window_start=0, window_size=2),
    "weights in log space": {
        **attention(2, log_space=True),
        "x": {"class": "generic_attention", "weights": "exp", "base": "data"},
        "exp": {"class": "activation", "activation": "exp", "from": "weights"},
    },
    "self attention": self_attention(),
    "self attention to the left": self_attention(attention_left_only=True),
    "distances": self_attention(key_shift="distance"),
    "fixed distances": self_attention(key_shift="fixed"),
    "positions": {
        "p": {"class": "positional_encoding", "from": "data", "n_out": 7},
        "c": {"class": "positional_encoding", "from": "data", "n_out": 4, "constant": 3},
        "x": linear(["p", "c"], 3),
    },
    "added positions": {"x": {"class": "positional_encoding", "from": "data", "add_to_input": True}},
    "gating": {
        "h": linear("data", 8),
        "x": {"class": "gating", "from": "h", "activation": "tanh", "gate_activation": "gelu2"},
    },
    "norm": {"x": {"class": "layer_norm", "from": "data"}},
    "norm with epsilon": {"x": {"class": "layer_norm", "from": "data", "epsilon": 0.1}},
    "dot of features": dot("b", "data", red1="F", red2="F", var1=None, var2=None),
    "dot without a new axis": dot("b", "data", red1=-1, red2=-1, var1=None, var2=None, add_var2_if_empty=False),
    "dot of frames": dot("a", "data", red1="T", red2="T", var1="F", var2="F"),
    "dot with automatic axes": dot("a", "data", reduce="T", var1="auto", var2="auto"),
    "combinations": {
        "a": linear("data", 4, "sigmoid"),
        "b": linear("data", 4, "sigmoid"),
        **{f"c {kind}": {"class": "combine", "kind": kind, "from": ["a", "b"]} for kind in COMBINATIONS},
        "three": {"class": "combine", "kind": "sub", "activation": "tanh", "from": ["a", "b", "a"]},
        "vector": {"class": "reduce", "mode": "mean", "axes": "T", "from": "a"},
        "broadcast": {"class": "combine", "kind": "add", "from": ["a", "vector"]},
        "text": {"class": "combine", "kind": "eval", "eval": "source(0) * source(1) + 1.0", "from": ["a", "b"]},
        "x": {"class": "copy", "from": [*(f"c {kind}" for kind in COMBINATIONS), "three", "broadcast", "text"]},
    },
    "comparisons": {
        "a": linear("data", 4, "tanh"),
        "b": linear("data", 4, "tanh"),
        **{f"c {kind}": {"class": "compare", "kind": kind, "from": ["a", "b"]} for kind in COMPARISONS},
        "small": {"class": "compare", "kind": "less", "value": 0.1, "from": ["a"]},
        "or": {"class": "combine", "kind": "logical_or", "from": ["small", "c greater"]},
        "and": {"class": "combine", "kind": "logical_and", "from": ["or", "c not_equal"]},
        **{
            f"n {name}": {
                "class": "eval",
                "from": ["a", name],
                "eval": "k * source(0) * tf.cast(source(1), tf.float32)",
                "eval_locals": {"k": 0.5},
            }
            for name in MASKS
        },
        "x": {"class": "copy", "from": [f"n {name}" for name in MASKS]},
    },
    "dropout of rate 0": {
        "a": linear("data", 4),
        "d": {"class": "dropout", "dropout": 0.0, "from": ["a", "data"]},
        "x": linear("d", 3),
    },
    "class indices": {
        "more": {"class": "reinterpret_data", "from": "data:labels", "increase_sparse_dim": 1},
        "others": {"class": "reinterpret_data", "from": "data:labels", "set_sparse_dim": 9},
        "m": linear("more", 3, with_bias=False),
        "o": linear("others", 3),
        "x": linear(["m", "o"], 4),
    },
    "activations": {
        **{f"a{i}": {"class": "activation", "from": "data", "activation": name} for i, name in enumerate(ACTIVATIONS)},
        "x": {"class": "copy", "from": [f"a{i}" for i in range(len(ACTIVATIONS))]},
    },
}


def conv(size, padding="same", **options) -> dict:
    return {"x": {"class": "conv", "from": "data", "n_out": 6, "filter_size": size, "padding": padding, **options}}


def after_conv(layer: dict) -> dict:
    return {"c": conv((3, 2), input_add_feature_dim=True)["x"] | {"n_out": 3}, "x": {"from": "c", **layer}}


WINDOWS = {
    **{
        f"{mode} pool {padding} {stride}": {
            "x": {
                "class": "pool",
                "mode": mode,
                "pool_size": [3],
                "padding": padding,
                "strides": stride,
                "from": "data",
            }
        }
        for mode in ("max", "avg")
        for padding in ("same", "valid", "same_static")
        for stride in (1, 2, 3)
    },
    **{
        f"conv {padding} {stride}": conv([3], padding, strides=stride, with_bias=True, activation="tanh")
        for padding in ("same", "valid", "same_static")
        for stride in (1, 2, 3)
    },
    "pool with default strides": {
        "x": {"class": "pool", "mode": "max", "pool_size": [2], "padding": "same", "from": "data"}
    },
    "two axes": after_conv({"class": "pool", "mode": "max", "pool_size": (1, 2), "padding": "same"}),
    "strided in one axis": conv((3, 2), strides=(2, 1), input_split_feature_dim=2),
    "two axes, valid": conv((2, 2), "valid", input_add_feature_dim=True),
    "three axes": conv((2, 1, 2), input_expand_dims=1, input_add_feature_dim=True),
    "an additional axis": conv((2, 1), input_expand_dims=1),
    "dilated": conv((2,), dilation_rate=2),
    "dilated, valid": conv((2,), "valid", dilation_rate=2),
    "dilated and strided": conv((3,), dilation_rate=2, strides=2),
    "depthwise": conv((3,), groups=6),
    "depthwise, strided": conv((3,), groups=6, strides=2),
    "depthwise, dilated": conv((3,), groups=6, dilation_rate=2),
    "one of two axes": after_conv(
        {"class": "conv", "n_out": 3, "filter_size": (3,), "padding": "same", "in_spatial_dims": ["T"]}
    ),
    "axes in another order": after_conv(
        {"class": "pool", "mode": "avg", "pool_size": (2, 3), "padding": "same", "in_spatial_dims": ["dim:6", "T"]}
    ),
}
CASES = {
    **{name: (layers, RAGGED) for name, layers in LAYERS.items()},
    **{
        f"{name} of {n}": (layers, {"data": [n], "classes": [1], "labels": [n]})
        for name, layers in WINDOWS.items()
        for n in (4, 5)
    },
}


@pytest.fixture(scope="module")
def results(returnn):
    cases = {
        name: network_case(with_cost(layers), EXTERN_DATA, lengths, ("x",)) for name, (layers, lengths) in CASES.items()
    }
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", CASES)
def test_outputs_and_gradients_match(results, name):
    compare(*results[name])
