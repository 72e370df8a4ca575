"""A tiny network with `sampling_loss`."""


def _softmax(source: str, **loss_opts) -> dict:
    options = {"loss": "sampling_loss", "target": "align", "loss_opts": {"num_sampled": 3, **loss_opts}}
    return {"class": "softmax", "from": source, "dropout": 0.2, "use_transposed_weights": True, **options}


NETWORKS = {
    "sampling": {
        "hidden": {"class": "linear", "from": "data:dense", "n_out": 4, "activation": "tanh"},
        "noise": _softmax("hidden", nce_loss=True, sampler="uniform"),
        "full": _softmax("hidden", use_full_softmax=True),
        "loop": {
            "class": "rec", "from": "hidden",
            "unit": {"output": {"class": "rnn_cell", "unit": "LSTMBlock", "from": ["data:source", "prev:output"], "n_out": 4}},
        },
        "output": _softmax("loop", sampler="fixed_unigram", sampler_args={"unigrams": [5, 3, 2, 1]}),
    }
}  # fmt: skip
