"""Networks of layers of many classes give the same numbers as in RETURNN, in training and in search."""

import pytest

from tests.parity.comparing import compare, compare_search, network_case, run_cases, search_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 7, "shape": (None, 7)},
    "letters": {"dim": 6, "sparse": True, "shape": (None,)},
    "classes": {"dim": 5, "sparse": True, "shape": (None,)},
    "frames": {"dim": 4, "shape": (None, 4)},
    "stop": {"dim": 1, "shape": (None, 1)},
}
LENGTHS = {"data": [6, 3, 5], "letters": [6, 3, 5], "classes": [4, 2, 3], "frames": [4, 2, 3], "stop": [4, 2, 3]}
ALIGNED = LENGTHS | {"classes": [6, 3, 5], "frames": [6, 3, 5], "stop": [6, 3, 5]}


def linear(source, n_out, activation=None, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": activation, **options}


def lstm(source, n_out, direction=1, unit="nativelstm2"):
    return {"class": "rec", "unit": unit, "from": source, "n_out": n_out, "direction": direction}


BLSTM_CTC = {
    "embedding": linear("data:letters", 5, with_bias=False),
    "frames2": {"class": "repeat", "from": "embedding", "repetitions": 2, "axis": "T"},
    "fw": lstm("frames2", 4),
    "bw": lstm(["frames2"], 4, -1),
    "output": {
        "class": "softmax",
        "from": ["fw", "bw"],
        "loss": "ctc",
        "target": "classes",
        "loss_opts": {"beam_width": 1},
    },
}
FRAME_LOSSES = {
    "a": linear("data", 4, "tanh", loss="mse", target="frames"),
    "b": linear(["data", "a"], 4, loss="mean_l1", target="frames", loss_scale=0.3),
    "c": linear("b", 1, loss="bin_ce", target="stop"),
    "c2": linear("b", 1, loss="bin_ce", target="stop", loss_opts={"pos_weight": 3.0}),
    "d": {"class": "softmax", "from": "a", "loss": "ce", "target": "classes", "loss_opts": {"label_smoothing": 0.1}},
    "e": {"class": "softmax", "from": "a", "loss": "ce", "target": "classes", "loss_opts": {"focal_loss_factor": 2.0}},
    "f": {"class": "eval", "from": "a", "eval": "tf.square(source(0))", "loss": "as_is"},
    "g": {"class": "copy", "from": "d", "loss": "ce", "target": "classes"},
    "h": linear("a", 5, "sigmoid", loss="ce", target="classes"),
    "i": linear("a", 5, loss="mse", target="classes", loss_opts={"scale": 0.4, "use_normalized_loss": True}),
    "j": {"class": "reduce", "mode": "mean", "axes": "T", "from": "b", "loss": "as_is", "loss_scale": 0.3},
    "k": {"class": "reduce", "mode": "argmax", "axes": "F", "from": "h", "loss": "edit_distance", "target": "classes"},
    "l": linear("a", 6, "log_softmax", loss="ctc", target="classes", loss_opts={
        "beam_width": 1, "output_in_log_space": True, "auto_clip_target_len": True,
        "ctc_opts": {"ignore_longer_outputs_than_inputs": True},
    }),
    "output": {"class": "softmax", "from": ["a", "b"], "loss": "ce", "target": "classes"},
}  # fmt: skip


def decoder(unit: dict, **options) -> dict:
    return {
        "encoder": {"class": "copy", "from": ["fw", "bw"]},
        "fw": lstm("data", 3),
        "bw": lstm("data", 3, -1),
        "keys": linear("encoder", 4),
        "output": {"class": "rec", "from": [], "target": "classes", "max_seq_len": 10, "unit": unit, **options},
    }


ATTENTION_UNIT = {
    "output": {"class": "choice", "from": "prob", "target": "classes", "beam_size": 3, "initial_output": 0},
    "end": {"class": "compare", "from": "output", "value": 0},
    "label": linear("prev:output", 3, with_bias=False),
    "s": lstm(["label", "prev:context"], 5),
    "query": linear("s", 4, with_bias=False),
    "feedback": linear("prev:sum", 4, with_bias=False),
    "energy_in": {"class": "combine", "kind": "add", "from": ["base:keys", "query", "feedback"], "n_out": 4},
    "energy_tanh": {"class": "activation", "activation": "tanh", "from": "energy_in"},
    "energy": linear("energy_tanh", 1, with_bias=False),
    "weights": {"class": "softmax_over_spatial", "from": "energy"},
    "sum": {
        "class": "eval", "from": ["prev:sum", "weights"], "eval": "source(0) + source(1)",
        "out_type": {"dim": 1, "shape": (None, 1)},
    },
    "context": {"class": "generic_attention", "weights": "weights", "base": "base:encoder"},
    "readout": linear(["s", "label", "context"], 6, "tanh"),
    "prob": {"class": "softmax", "from": "readout", "target": "classes", "loss": "ce"},
}  # fmt: skip
SIMPLE_UNIT = {
    "output": linear(["data:source", "prev:output"], 4, "tanh"),
    "stop_token": linear("output", 1, loss="bin_ce", target="stop", loss_scale=0.2),
}

CASES = {
    "blstm_ctc": (BLSTM_CTC, LENGTHS, ("embedding", "fw", "bw", "output")),
    "frame_losses": (FRAME_LOSSES, ALIGNED, ("a", "b", "c", "output")),
    "attention": (decoder(ATTENTION_UNIT), LENGTHS, ("encoder",)),
    "attention_kept_in": (decoder(ATTENTION_UNIT, optimize_move_layers_out=False), LENGTHS, ()),
    "loop_over_source": (
        {"output": {"class": "rec", "from": "data", "unit": SIMPLE_UNIT, "n_out": 4}}, ALIGNED, ("output",),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def results(returnn):
    cases = {
        name: network_case(network, EXTERN_DATA, lengths, layers) for name, (network, lengths, layers) in CASES.items()
    }
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", CASES)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])


def searching(normalize: bool, beam_size: int) -> dict:
    unit = ATTENTION_UNIT | {
        "output": ATTENTION_UNIT["output"] | {"length_normalization": normalize, "beam_size": beam_size},
    }
    network = decoder(unit)
    return network | {"decision": {"class": "decide", "from": "output", "is_output_layer": True}}


SEARCHES = [(normalize, beam) for normalize in (False, True) for beam in (1, 3, 12)]


def test_a_search_finds_the_same_labels(returnn):
    cases = []
    for normalize, beam in SEARCHES:
        cases += search_cases(searching(normalize, beam), EXTERN_DATA, LENGTHS, (3, 4, 5, 6), scale=1.2)
    different = {labels for pair in zip(cases, returnn(cases), strict=True) for labels in compare_search(*pair)}
    assert len(different) > 5
