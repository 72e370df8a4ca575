"""A tiny network with a search within training: the best alignment is the target of the teacher-forced loop."""


def _linear(source, n_out, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh", **options}


ALIGNER = {
    "s": _linear(["data:source", "prev:e"], 4),
    "p": {"class": "softmax", "from": "s", "loss": "ce", "target": "found", "n_out": 4, "loss_only_on_non_search": True},
    "output": {
        "class": "choice", "from": "p", "beam_size": 3, "target": "found", "initial_output": 0, "length_normalization": False,
    },
    "e": _linear("output", 3),
}  # fmt: skip
LATENT = {
    "encoder": _linear("data:dense", 4, dropout=0.2),
    "output": {"class": "rec", "from": "encoder", "unit": ALIGNER},
    "found": {
        "class": "decide", "from": "extra.search:output", "register_as_extern_data": "found", "loss": "search_score", "loss_scale": 0.1,
    },
    "frames": {"class": "linear", "from": "found", "n_out": 4, "activation": None, "loss": "as_is"},
}  # fmt: skip
NETWORKS = {"latent": LATENT}
