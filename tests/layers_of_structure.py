"""Tiny networks of the layers that hold layers, on the data of tests/every_layer.py."""


def _linear(source, n_out, activation="tanh", **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": activation, **options}


BLOCK = {
    "norm": {"class": "layer_norm", "from": "data"},
    "ff": _linear("norm", 5, dropout=0.2),
    "output": {"class": "combine", "kind": "add", "from": ["ff", "data"]},
}
NETWORK = {
    "first": {"class": "subnetwork", "from": "data:dense", "subnetwork": BLOCK},
    "second": {
        "class": "subnetwork", "from": ["first", "data:dense"], "dropout": 0.3,
        "subnetwork": {
            "narrow": _linear("data", 5),
            "inner": {"class": "subnetwork", "from": "narrow", "subnetwork": BLOCK},
            "aux": {"class": "softmax", "from": "inner", "loss": "ce", "target": "align", "loss_scale": 0.3},
            "output": {"class": "rec", "unit": "StandardLSTM", "from": ["inner", "base:first/norm"], "n_out": 4},
        },
    },
    "last": {"class": "get_last_hidden_state", "from": "second", "n_out": 8},
    "summary": _linear("last", 4, use_transposed_weights=True),
    "both": {"class": "combine", "kind": "add", "from": ["second", "summary"]},
    "loop": {
        "class": "rec", "from": "both",
        "unit": {
            "before": {
                "class": "subnetwork", "from": "data:source",
                "subnetwork": {"a": _linear("data", 3), "output": {"class": "copy", "from": ["a", "data"]}},
            },
            "cell": {
                "class": "subnetwork", "from": ["before", "prev:output"],
                "subnetwork": {
                    "s": {"class": "rnn_cell", "unit": "LSTMBlock", "from": ["data", "prev:gate"], "n_out": 4},
                    "gate": _linear("s", 4, "sigmoid", initial_output=1),
                    "output": {"class": "combine", "kind": "mul", "from": ["s", "gate"]},
                },
            },
            "output": _linear(["cell", "before/a"], 3),
        },
    },
    "output": {"class": "softmax", "from": "loop", "loss": "ce", "target": "align"},
}  # fmt: skip
SLOW = {
    "class": "subnetwork", "from": "data",
    "subnetwork": {
        "in": _linear(["data", "base:data:source"], 4, dropout=0.2), "lstm": {"class": "rec", "from": "in", "n_out": 3},
        "output": {"class": "copy", "from": ["lstm", "in"]},
    },
}  # fmt: skip
CELL = {"class": "rnn_cell", "unit": "LSTMBlock", "from": "data", "n_out": 3}


def _frames(**layers):
    """:return: a loop over frames that reads its labels"""
    return {
        "class": "rec", "from": "selectable", "target": "align",
        "unit": {
            "emit": {"class": "compare", "from": "prev:label", "kind": "not_equal", "value": 0},
            "embedding": _linear("prev:label", 4, reuse_params={"map": {"W": "base:embedding", "b": None}}),
            "repeated": {"class": "unmask", "from": "slow", "mask": "emit"},
            "prob": {"class": "softmax", "from": ["repeated", "data:source"], "loss": "ce", "target": "align"},
            "label": {"class": "choice", "from": "prob", "target": "align", "beam_size": 2, "initial_output": 0},
            "output": {"class": "copy", "from": "prob"},
            **layers,
        },
    }  # fmt: skip


def _masked(source, unit, **options):
    return {"class": "masked_computation", "from": source, "mask": "emit", "unit": unit, **options}


MASKED = {
    "selectable": {"class": "reinterpret_data", "from": "data:dense", "size_base": "data:align"},
    "embedding": _linear("data:align", 4, with_bias=False),
    "emit": {"class": "compare", "from": "data:align", "kind": "not_equal", "value": 0},
    "selected": _masked("selectable", {"class": "rec", "from": "data", "n_out": 3, "direction": -1}),
    "mean": {"class": "reduce", "mode": "mean", "axes": "T", "from": "selected"},
    "repeated": {"class": "unmask", "from": "selected", "mask": "emit"},
    "moved": _frames(slow=_masked("embedding", SLOW)),
    "kept": _frames(slow=_masked("prev:prob", CELL)),
    "given": _frames(
        slow=_masked([], CELL | {"class": "rec", "unit": "lstm"}, masked_from="base:selected"),
        emit={"class": "compare", "from": "data:align", "kind": "not_equal", "value": 0},
    ),
    "condition": {"class": "compare", "from": "zero", "value": 0.0}, "zero": {"class": "constant", "value": 0.0},
    "cond": {
        "class": "cond", "condition": "condition", "true_layer": _linear("both", 4),
        "false_layer": {"class": "subnetwork", "from": "both", "subnetwork": {"output": _linear("data", 4, name_scope="")}},
    },
    "both": {"class": "combine", "kind": "add", "from": ["mean", "repeated"]},
    "shared": _linear("cond", 4, reuse_params={"map": {"W": "embedding", "b": None}}),
    "output": {"class": "softmax", "from": ["shared", "moved", "kept", "given"], "loss": "ce", "target": "align"},
}  # fmt: skip
NETWORKS = {"subnetworks": NETWORK, "masked computation": MASKED}
