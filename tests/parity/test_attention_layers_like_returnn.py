"""`cumsum`, `cast`, attention in a single layer, `out_type`, two time axes, and access to layers of a loop, as in RETURNN."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases
from tests.parity.monotonic_style import ONE_NUMBER, evaluated
from tests.parity.published_style import add, linear

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 4, "shape": (None, 4)},
    "classes": {"dim": 3, "sparse": True, "shape": (None,)},
    "frames": {"dim": 2, "shape": (None, 2)},
}
LENGTHS = {"data": [6, 3, 5], "classes": [3, 4, 2], "frames": [3, 4, 2]}
LONG = {"data": [6, 3, 5], "classes": [100, 80, 60], "frames": [100, 80, 60]}
BASE = {"enc": linear("data", 5, "tanh"), "ctx": linear("data", 4, "tanh")}
SUMMED = {"class": "reduce", "axes": "T", "mode": "mean", "from": "data"}


def ending(source, **options) -> dict:
    return linear(source, 3, loss="as_is", **options)


def in_loop(unit: dict, source="data:frames", beside=None, **options) -> dict:
    """:return: a network with a loop over short sequences, with `enc` and `ctx` of longer ones outside"""
    loop = {"class": "rec", "from": source, "unit": unit, **options}
    return {**BASE, **(beside or {}), "loop": loop, "output": ending("loop")}


def over_both_times(sources, **options) -> dict:
    """:return: a network in which a layer has the time axes of both data streams, [B, T1, T2, F]"""
    a, b = sources
    both = {"class": "combine", "kind": "add", "from": [a, b], **options}
    mean = {"class": "reduce", "mode": "mean", "axes": "T", "from": "both"}
    rest = {"class": "reduce", "mode": "mean", "axes": "T", "from": "again"}
    net = {"a": linear("data", 3, "tanh"), "b": linear("data:frames", 3, "tanh"), "both": both}
    return {**net, "mean": mean, "again": add("mean", b), "rest": rest, "output": ending("mean"), "end": ending("rest")}


UNIT = {"x": linear(["data:source", "prev:x"], 4, "tanh")}
NETWORKS = {
    "cast": {
        "scaled": evaluated("data", "source(0) * 3."),
        "whole": {"class": "cast", "from": "scaled", "dtype": "int32"},
        "again": {"class": "cast", "from": "whole", "dtype": "float32"},
        "output": ending("again"),
    },
    "cumsum": {
        "sum": {"class": "cumsum", "from": "data", "axis": "T"},
        "features": {"class": "cumsum", "from": "sum", "axis": "F", "additional_left_summand_per_element": 0.5},
        "backwards": {"class": "cumsum", "from": "features", "axis": "F", "reverse": True},
        "output": ending("backwards"),
    },
    "cumsum in a loop": in_loop({
        "x": linear(["data:source", "prev:x", "state"], 4, "tanh"),
        "sum": {"class": "cumsum", "from": "x"},
        "outside": {"class": "cumsum", "from": "data:source", "initial_output": 1.0},
        "frames": {"class": "cumsum", "from": "base:enc", "axis": "T"},
        "mean": {"class": "reduce", "mode": "mean", "axes": "T", "from": "frames"},
        "state": {"class": "get_last_hidden_state", "from": "prev:sum", "key": "state", "n_out": 4},
        "output": linear(["sum", "outside", "mean", "prev:sum", "prev:outside"], 3, "tanh"),
    }),
    "dot attention": in_loop({
        **UNIT,
        "att": {"class": "dot_attention", "from": ["prev:x"], "base": "base:enc", "base_ctx": "base:ctx", "energy_factor": 0.5},
        "x": linear(["data:source", "att"], 4, "tanh"),
        "output": linear(["x", "att"], 3, "tanh"),
    }),
    "concat attention": in_loop({
        "att": {"class": "concat_attention", "from": ["prev:x"], "base": "base:enc", "base_ctx": "base:ctx"},
        "x": linear(["data:source", "att"], 4, "tanh"),
        "output": linear(["x", "att"], 3, "tanh"),
    }),
    "gauss window": in_loop({
        "step": linear("prev:x", 1, "sigmoid"),
        "position": add("prev:position", "step"),
        "att": {"class": "gauss_window_attention", "from": "position", "base": "base:enc", "window_size": 3, "std": 0.8},
        "x": linear(["data:source", "att"], 4, "tanh"),
        "output": linear(["x", "att"], 3, "tanh"),
    }),
    "last output": in_loop(
        {**UNIT, "y": linear("x", 2, "tanh", need_last=True), "z": linear("x", 2, is_output_layer=True), "output": linear("x", 3)},
        beside={
            "last": {"class": "rec_last_output", "rec_layer": "loop", "sub_layer_name": "y"},
            "all": {"class": "get_rec_accumulated", "from": "loop", "sub_layer": "z"},
            "end": ending(["all", "last"]),
        },
    ),
    "100 frames": in_loop({
        **UNIT,
        "s": {"class": "rnn_cell", "unit": "LSTMBlock", "from": ["data:source", "prev:att"], "n_out": 4},
        "att": {"class": "dot_attention", "from": ["s"], "base": "base:enc", "base_ctx": "base:ctx"},
        "output": linear(["s", "att", "x"], 3, "tanh"),
    }),
    "trained initial outputs": in_loop({
        "x": linear(["data:source", "prev:x"], 4, "tanh", initial_output="var"),
        "y": linear("data:source", 2, "tanh", initial_output="var"),
        "output": linear(["x", "prev:y"], 3),
    }),
    "rec_unstack": {
        **BASE,
        "loop": {
            "class": "rec", "from": [], "unit": {
                "frame": {"class": "rec_unstack", "from": "base:enc", "axis": "T", "declare_rec_time": True},
                "x": linear(["frame", "prev:x"], 4, "tanh"), "output": linear(["x", "frame"], 3),
            },
        },
        "output": ending("loop"),
    },
    "accumulate_mean": {
        "prob": {"class": "softmax", "from": "data", "n_out": 3},
        "prior": {"class": "accumulate_mean", "from": "prob", "exp_average": 0.01, "is_prob_distribution": True},
        "output": {"class": "eval", "from": ["prob", "prior"], "eval": "tf.math.log(source(0)) - 0.3 * source(1)", "loss": "as_is"},
    },
    "size_target": {
        **BASE, "vector": SUMMED,
        "loop": {
            "class": "rec", "from": [], "size_target": "classes", "target": "classes", "back_prop": True,
            "unit": {"x": linear(["base:vector", "prev:x"], 4, "tanh"), "output": linear("x", 3, "tanh")},
        },
        "output": ending("loop"),
    },
    "two times": over_both_times(["a", "b"]),
    "two times, the other first": over_both_times(["b", "a"]),
    "out_type of a loop": in_loop({
        "q": linear(["data:source", "prev:q"], 5, "tanh"),
        "energy": evaluated(
            ["base:enc", "q"], "tf.reduce_sum(source(0, auto_convert=False) * tf.expand_dims(source(1, auto_convert=False), 1), -1)",
            {"shape": (None,), "batch_dim_axis": 0, "time_dim_axis": 1, "dtype": "float32", "feature_dim_axis": None, "dim": None},
        ),
        "largest": evaluated("energy", "tf.reduce_max(source(0, auto_convert=False) * 0. + 1., axis=1)", ONE_NUMBER),
        "rest": {"class": "expand_dims", "axis": "F", "from": "largest"},
        "w": {"class": "softmax_over_spatial", "from": "energy"},
        "att": {"class": "generic_attention", "weights": "w", "base": "base:enc"},
        "output": linear(["q", "att", "rest"], 3, "tanh"),
    }, optimize_move_layers_out=False),
}  # fmt: skip


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(returnn, {name: _case(name) for name in NETWORKS})


def _case(name: str) -> dict:
    return network_case(NETWORKS[name], EXTERN_DATA, LONG if name == "100 frames" else LENGTHS)


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name], rtol=1e-4 if name == "100 frames" else 1e-5)
