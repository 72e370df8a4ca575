"""A network of normalizing layers, for tests/every_layer.py."""

# with the running statistics in training too, as those of a batch would make a sequence depend on the others
RUNNING = {"use_sample": 1.0, "delay_sample_update": True}
NORMS = {
    "norm": {"class": "batch_norm", "from": "data:dense", "dropout": 0.1, **RUNNING},
    "hidden": {"class": "linear", "from": "norm", "n_out": 4, "activation": "tanh", "batch_norm": RUNNING},
    "loop": {
        "class": "rec", "from": "hidden",
        "unit": {
            "norm": {"class": "batch_norm", "from": "data:source", "param_version": 2, **RUNNING},
            "output": {"class": "linear", "from": ["norm", "prev:output"], "n_out": 3, "activation": "tanh"},
        },
    },
    "output": {"class": "softmax", "from": "loop", "loss": "ce", "target": "align"},
}  # fmt: skip
