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
    "summary": _linear("last", 4),
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
NETWORKS = {"subnetworks": NETWORK}
