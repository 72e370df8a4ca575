"""Options of layers that few setups use give the same numbers as in RETURNN."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 6, "shape": (None, 6)},
    "classes": {"dim": 3, "sparse": True, "shape": (None,)},
    "align": {"dim": 3, "sparse": True, "shape": (None,)},
    "dense": {"dim": 3, "shape": (None, 3)},
}
LENGTHS = {"data": [7, 2, 5], "classes": [4, 1, 2], "align": [7, 2, 5], "dense": [7, 2, 5]}
H = {"class": "linear", "from": "data", "n_out": 4, "activation": "sigmoid"}


def variable(*shape: int) -> dict:
    return {"class": "variable", "shape": shape, "init": "glorot_uniform"}


def combine(kind: str, **options) -> dict:
    return {"class": "combine", "kind": kind, "from": ["h", "g"], **options}


def conv(**options) -> dict:
    return {
        "class": "conv",
        "from": "h",
        "filter_size": [3],
        "padding": "same",
        "n_out": 5,
        "use_time_mask": True,
        **options,
    }


LAYERS = {
    "combine with bias": {"x": combine("add", with_bias=True, activation="tanh")},
    "combine with bias and a broadcast": {"x": combine("mul", with_bias=True, **{"from": ["h", "one"]})},
    "eval with bias": {"x": {"class": "eval", "from": "h", "eval": "source(0) * 2.", "with_bias": True, "activation": "relu"}},
    **{
        f"combine {kind}": {"x": combine(kind)}
        for kind in ("+", "-", "*", "/", "//", "subtract", "multiply", "divide", "floormod", "logaddexp", "atan2")
    },
    "combine divide_no_nan": {"x": combine("divide_no_nan")},
    "combine with out_type": {"x": combine("add", out_type={"dim": 4, "shape": (None, 4)})},
    "linear with out_type": {"x": {"class": "linear", "from": "h", "out_type": {"dim": 5, "dtype": "float32"}}},
    "filtered gradients": {"x": {"class": "linear", "from": "h", "n_out": 5, "activation": "tanh", "grad_filter": 2.0}},
    "filter": {"f": variable(3, 4, 5), "x": conv(filter="f")},
    "filter of equal sizes": {"f": variable(4, 4, 4), "x": conv(filter="f", n_out=4, filter_size=[4])},
    "filter and bias": {"f": variable(3, 4, 5), "b": variable(5), "x": conv(filter="f", bias="b", activation="relu")},
    "bias alone": {"b": variable(5), "x": conv(bias="b")},
    "filter of groups": {"f": variable(3, 2, 6), "x": conv(filter="f", groups=2, n_out=6)},
    "filter of a depthwise convolution": {"f": variable(3, 1, 4), "x": conv(filter="f", groups=4, n_out=4)},
    "lengths as powers": {"x": conv(pad_seq_len_to_power=2.0)},
    "transposed filter": {
        "f": variable(3, 5, 4), "b": variable(5),
        "x": {"class": "transposed_conv", "from": "h", "filter_size": [3], "strides": [2], "n_out": 5, "filter": "f", "bias": "b"},
    },
    "transposed filter in another order": {
        "f": variable(3, 4, 5),
        "x": {
            "class": "transposed_conv", "from": "h", "filter_size": [3], "n_out": 5, "filter": "f",
            "filter_perm": {0: "dim:3", 1: "dim:5", 2: "dim:4"},
        },
    },
    **{
        f"resize by a layer, {kind}": {
            "two": {"class": "constant", "value": 2}, "x": {"class": "resize", "from": "h", "factor": "two", "axis": "T", "kind": kind},
        }
        for kind in ("nn", "nearest_neighbor")
    },
    "extra_deps": {"x": {"class": "copy", "from": "h", "extra_deps": ["g"]}},
    "identity with control_dependencies": {"x": {"class": "identity", "from": "h", "control_dependencies": ["g"]}},
    "no dropout mask": {"x": {"class": "copy", "from": "h", "mask": "unity", "debug_print_layer_output": False}},
}  # fmt: skip
SHARED = {
    "h": H,
    "g": {"class": "linear", "from": "data", "n_out": 4, "activation": "exp"},
    "one": {"class": "linear", "from": "data", "n_out": 1},
}


def squared(*names: str) -> dict:
    return {"class": "eval", "from": names, "eval": "tf.square(source(0))", "loss": "as_is"}


@pytest.fixture(scope="module")
def layers(returnn):
    cases = {}
    for name, net in LAYERS.items():
        cases[name] = network_case(SHARED | net | {"output": squared("x")}, EXTERN_DATA, LENGTHS, ("x",))
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", LAYERS)
def test_outputs_and_gradients_match(layers, name):
    compare(*layers[name])


def output(activation: str, loss: str, target: str = "align", n_out: int = 3, **loss_opts) -> dict:
    return {
        "class": "linear", "activation": activation, "from": "h", "n_out": n_out, "loss": loss, "target": target,
        "loss_opts": loss_opts,
    }  # fmt: skip


DECODED = {"class": "eval", "from": "data:align", "eval": "source(0)", "loss": "edit_distance", "target": "classes"}
LOSSES = {
    "logits": output(None, "ce", input_type="logits"),
    "logits of a softmax": output("softmax", "ce", input_type="logits"),
    "not fused": output("softmax", "ce", use_fused=False),
    "safe_log": output("sigmoid", "ce", safe_log_opts={"eps": 0.6}),
    "safe_log without gradients": output("sigmoid", "ce", safe_log_opts={"eps": 0.6, "use_fake_grad": False}),
    "gaussian smoothing": output("softmax", "ce", label_smoothing=0.3, label_smoothing_gaussian=True),
    "gaussian smoothing of probabilities": output("sigmoid", "ce", label_smoothing=0.3, label_smoothing_gaussian=True),
    "any numbers as labels": output("softmax", "ce", target="dense"),
    "any numbers as labels of probabilities": output("sigmoid", "ce", target="dense"),
    "the same by code": {
        "class": "eval",
        "from": ["h", "g"],
        "loss": "as_is",
        "out_type": {"shape": (None,), "dim": None, "feature_dim_axis": None},
        "eval": "tf.nn.softmax_cross_entropy_with_logits(labels=source(1, auto_convert=False), logits=source(0, auto_convert=False))",
    },
    "another norm": output("softmax", "ce", custom_inv_norm_factor="norm", use_normalized_loss=True),
    "another norm of floats": output("softmax", "ce", custom_inv_norm_factor="labels"),
    "frames not flattened": output("softmax", "ce", use_flatten_frames=False),
    "repeated labels": output("softmax", "ctc", "classes", 4, target_collapse_repeated=True, beam_width=1),
    "mapped labels": DECODED | {"loss_opts": {"label_map": {0: 1, 1: 1, 2: None}}},
    "mapped labels of one kind": DECODED | {"loss_opts": {"label_map": {0: 1, 1: 2, 2: 0}, "debug_print": False}},
    # RETURNN's comparison of decoded labels fails without a map
    "decoded labels": output("softmax", "edit_distance", "classes", 4, ctc_decode=True, label_map={0: 0, 1: 1, 2: 2}),
    "decoded log labels": output(
        "log_softmax",
        "edit_distance",
        "classes",
        4,
        ctc_decode=True,
        output_in_log_space=True,
        label_map={0: 1, 1: 1, 2: 0},
    ),
}
NORMS = {
    "norm": {"class": "length", "from": "data:classes", "is_output_layer": True},
    "labels": {"class": "reduce", "mode": "sum", "from": "h", "axes": ["T", "F"], "is_output_layer": True},
}


@pytest.fixture(scope="module")
def losses(returnn):
    cases = {}
    for name, layer in LOSSES.items():
        cases[name] = network_case(SHARED | NORMS | {"output": layer}, EXTERN_DATA, LENGTHS)
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_match(losses, name):
    compare(*losses[name])
