"""Layers for local and monotonic attention, see tests/every_layer.py."""


def _linear(source, n_out, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh", **options}


UNIT = {
    "x": _linear(["data:source", "prev:x", "att"], 4, initial_output="var"),
    "att": {"class": "dot_attention", "from": "prev:x", "base": "base:encoder", "base_ctx": "base:keys", "energy_factor": 0.5},
    "frame": {"class": "rec_unstack", "from": "base:data:align"},
    "label": _linear("frame", 2),
    "sum": {"class": "cumsum", "from": "x", "initial_output": 1.0},
    "before": {"class": "get_last_hidden_state", "from": "prev:sum", "key": "state", "n_out": 4},
    "step": _linear("x", 1, activation="sigmoid"),
    "position": {
        "class": "eval", "from": ["prev:position", "step"], "out_type": {"shape": (), "batch_dim_axis": 0, "dtype": "float32"},
        "eval": "source(0, auto_convert=False) + tf.squeeze(source(1, auto_convert=False), axis=1)",
    },
    "gauss": {"class": "gauss_window_attention", "from": "position", "base": "base:encoder", "window_size": 3},
    "energy": {
        "class": "eval", "from": ["base:encoder", "x"], "out_type": {"shape": (None, 1), "batch_dim_axis": 0, "time_dim_axis": 1},
        "eval": "tf.reduce_sum(source(0) * source(1, auto_convert=False)[:, None], axis=-1, keepdims=True)",
    },
    "weights": {"class": "softmax_over_spatial", "from": "energy", "window_start": "position", "window_size": 2.5},
    "window": {"class": "generic_attention", "weights": "weights", "base": "base:encoder"},
    "output": _linear(["sum", "before", "gauss", "window", "label"], 3, need_last=True),
    "shown": _linear("output", 2, is_output_layer=True),
}  # fmt: skip
NETWORK = {
    "encoder": _linear("data", 4),
    "keys": _linear("encoder", 4),
    "global": {"class": "concat_attention", "from": "data:speaker", "base": "encoder", "base_ctx": "keys3"},
    "products": {"class": "dot_attention", "from": "data:speaker", "base": "encoder", "base_ctx": "keys3"},
    "keys3": _linear("encoder", 3),
    "whole": {"class": "cast", "from": "keys", "dtype": "int32"},
    "float": {"class": "cast", "from": "whole", "dtype": "float32"},
    "sums": {"class": "cumsum", "from": ["keys", "float"], "axis": "T", "reverse": True},
    "loop": {"class": "rec", "from": "data:dense", "unit": UNIT},
    "last": {"class": "rec_last_output", "rec_layer": "loop", "sub_layer_name": "output"},
    "shown": {"class": "get_rec_accumulated", "from": "loop", "sub_layer": "shown"},
    "both": {"class": "combine", "kind": "mul", "from": ["encoder", "queries"]},
    "queries": _linear("shown", 4),
    "mean": {"class": "reduce", "mode": "mean", "axes": "dyn:0", "from": "both"},
    "rest": {"class": "reduce", "mode": "mean", "axes": "T", "from": "mean"},
    "prior": {"class": "accumulate_mean", "from": "keys", "exp_average": 0.1},
    "vector": _linear(["prior", "last", "global", "products", "rest"], 3),
    "end": _linear(["vector", "sums"], 3, loss="as_is"),
    "output": _linear(["vector", "loop"], 3, loss="as_is"),
}
NETWORKS = {"loops": NETWORK}
