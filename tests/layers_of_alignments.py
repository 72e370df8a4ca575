"""Tiny networks: a search within training, whose best alignment is the target; and layers that read and write at positions."""


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
POSITIONS = {
    "h": _linear("data:dense", 4, dropout=0.2),
    "v": {"class": "reduce", "from": "h", "mode": "mean", "axes": "T"},
    "length": {"class": "length", "from": "data:dense"},
    "best": {"class": "reduce", "from": "v", "mode": "argmax", "axes": "F"},
    "numbers": {"class": "range_in_axis", "from": "h", "axis": "T"},
    "half": {"class": "eval", "from": ["length", "numbers"], "eval": "tf.minimum(source(0), source(1)) // 2"},
    "by_sequence": {"class": "gather", "from": "h", "position": "best", "axis": "T", "clip_to_valid": True},
    "by_frame": {"class": "gather_nd", "from": "h", "position": "half"},
    "written": {
        "class": "scatter_nd", "from": "by_frame", "position": "half", "position_axis": "T",
        "output_dim_via_time_from": "h", "filter_invalid_indices": True,
    },
    "positive": {"class": "compare", "from": "written", "value": 0.0, "kind": "greater"},
    "switched": {"class": "switch", "condition": "positive", "true_from": "by_sequence", "false_from": float("inf")},
    "windowed": {"class": "seq_len_mask", "from": "written", "mask_value": 0.5, "window_start": "best", "window_size": 2},
    "finite": {"class": "switch", "condition": "positive", "true_from": "switched", "false_from": "windowed"},
    "output": {"class": "linear", "from": "finite", "n_out": 3, "activation": None, "loss": "as_is"},
}  # fmt: skip
IN_SEARCH = {"class": "choice", "search": True, "target": None, "initial_output": 0, "length_normalization": False}
CHOICES = {
    "encoder": _linear("data:dense", 4, dropout=0.2),
    "loop": {
        "class": "rec", "from": "encoder", "unit": {
            "p": {"class": "softmax", "from": ["data:source", "prev:e"], "n_out": 4},
            "label": IN_SEARCH | {"from": "p", "beam_size": 2, "keep_beams": True},
            "e": _linear("label", 3),
            "q": {"class": "softmax", "from": ["e", "data:source"], "n_out": 3},
            "output": IN_SEARCH | {"from": "q", "beam_size": 2},
            "scores": {"class": "choice_get_beam_scores", "from": "output"},
            "origins": {"class": "choice_get_src_beams", "from": "label"},
            "sum": {
                "class": "eval", "from": ["scores", "origins"], "eval": "source(0) + tf.cast(source(1), tf.float32)",
                "out_type": {"dtype": "float32"}, "is_output_layer": True,
            },
        },
    },
    "kept": {"class": "decide_keep_beam", "from": "loop"},
    "split": {"class": "split_batch_beam", "from": "kept"},
    "each": _linear("split", 3),
    "mean": {"class": "reduce", "from": "each", "mode": "mean", "axes": "dim:2"},
    "best": {"class": "decide", "from": "kept", "loss": "search_score", "loss_scale": 0.1},
    "one": _linear("best", 3),
    "output": {"class": "combine", "kind": "add", "from": ["mean", "one"], "loss": "as_is"},
}  # fmt: skip
NETWORKS = {"latent": LATENT, "positions": POSITIONS, "choices": CHOICES}
