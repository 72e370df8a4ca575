"""Tiny networks that cover all layer classes and losses, on one data set.

Only "dense" and "align" have the same lengths. Each tests/layers_of_….py has further ones in its NETWORKS.
"""

import importlib
from pathlib import Path

EXTERN_DATA = {
    "data": {"dim": 6, "sparse": True},
    "dense": {"dim": 5},
    "classes": {"dim": 3, "sparse": True},
    "align": {"dim": 4, "sparse": True},
    "speaker": {"dim": 3, "time_dim_axis": None},
}
NETWORK = {
    "embedding": {"class": "linear", "from": "data", "n_out": 4, "activation": None, "dropout": 0.0},
    "twice": {"class": "repeat", "from": "embedding", "repetitions": 2},
    "fw": {"class": "rec", "from": "twice", "n_out": 3, "dropout": 0.3},
    "bw": {"class": "rec", "from": "twice", "n_out": 3, "direction": -1, "unit_opts": {"rec_weight_dropout": 0.3}},
    "bw1": {"class": "rec", "from": ["fw", "bw"], "n_out": 3, "direction": -1},
    "sum": {"class": "combine", "kind": "average", "from": ["fw", "bw1"]},
    "labels": {"class": "softmax", "from": ["sum", "bw"], "loss": "ctc", "target": "classes", "dropout": 0.2},
    "bw2": {"class": "rec", "from": "data:dense", "n_out": 4, "direction": -1},
    "speaker": {"class": "linear", "from": "data:speaker", "n_out": 4, "activation": "tanh"},
    "copy": {"class": "copy", "from": ["speaker", "bw2", "data:dense"]},
    "dropped": {"class": "dropout", "from": "copy", "dropout": 0.5},
    "eval": {"class": "eval", "from": ["bw2", "speaker"], "eval": "source(0) * tf.sigmoid(source(1)) + 1.0"},
    "relu": {"class": "activation", "from": ["eval", "dropped"], "activation": "gelu"},
    "output": {"class": "softmax", "from": "relu", "loss": "ce", "target": "align"},
}
ATTENTION = {
    "weights": {"class": "softmax_over_spatial", "from": "energy", "axis": "T"},
    "energy": {"class": "linear", "from": "energy_in", "n_out": 1, "activation": None},
    "energy_in": {"class": "combine", "kind": "add", "from": ["base:keys", "query"], "activation": "tanh"},
    "query": {"class": "linear", "from": "s", "n_out": 4, "activation": None},
    "context": {"class": "generic_attention", "weights": "weights", "base": "base:encoder"},
    "embedding": {"class": "linear", "from": "prev:output", "n_out": 3, "activation": None},
    "s": {
        "class": "rnn_cell", "unit": "LSTMBlock", "from": ["embedding", "prev:context"], "n_out": 4,
        "initial_state": {"c": "base:last_c", "h": "base:last_h"},
    },
    "memory": {"class": "get_last_hidden_state", "from": "s", "n_out": 8},
    "prob": {"class": "softmax", "from": ["memory", "context"], "loss": "ce", "target": "classes", "dropout": 0.3},
    "output": {"class": "choice", "from": "prob", "beam_size": 2, "target": "classes", "initial_output": 0},
}  # fmt: skip
DECODER = {
    "conv": {"class": "conv", "from": "data:dense", "n_out": 6, "filter_size": [3], "padding": "same", "strides": 2},
    "pool": {"class": "pool", "from": "conv", "mode": "max", "pool_size": [2], "padding": "same"},
    "positions": {"class": "positional_encoding", "from": "pool", "add_to_input": True},
    "norm": {"class": "layer_norm", "from": "positions"},
    "self": {"class": "self_attention", "from": "norm", "n_out": 6, "total_key_dim": 4, "num_heads": 2, "attention_dropout": 0.0},
    "gating": {"class": "gating", "from": "self", "activation": "tanh"},
    "gru": {"class": "rec", "unit": "GRU", "from": "gating", "n_out": 3, "direction": -1},
    "encoder": {"class": "rec", "unit": "StandardLSTM", "from": "gru", "n_out": 4},
    "last_c": {"class": "get_last_hidden_state", "from": "encoder", "key": "c", "n_out": 4},
    "last_h": {"class": "get_last_hidden_state", "from": "encoder", "key": "h", "n_out": 4},
    "keys": {"class": "linear", "from": "encoder", "n_out": 4, "activation": None},
    "heads": {"class": "split_dims", "from": "keys", "axis": "F", "dims": (2, -1)},
    "maxout": {"class": "reduce_out", "from": "heads", "mode": "max", "num_pieces": 2},
    "flat": {"class": "merge_dims", "from": "maxout", "axes": "static"},
    "stacked": {"class": "split_dims", "from": "flat", "axis": "T", "dims": (-1, 2)},
    "frames": {"class": "merge_dims", "from": "stacked", "axes": "static"},
    "mean": {"class": "reduce", "from": "frames", "mode": "mean", "axes": "T"},
    "with_end": {"class": "postfix_in_time", "from": "frames", "postfix": "mean"},
    "with_start": {"class": "prefix_in_time", "from": "with_end", "repeat": 2},
    "squared": {"class": "eval", "from": "with_start", "eval": "tf.square(source(0))", "loss": "as_is"},
    "output": {"class": "rec", "from": [], "target": "classes", "unit": ATTENTION},
}  # fmt: skip


def _linear(source, n_out, activation="tanh", **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": activation, **options}


IN_FRAMES = {
    "before": _linear(["data:source", "prev:output"], 6),
    "position": {"class": "positional_encoding", "from": "before", "add_to_input": True},
    "self": {
        "class": "self_attention", "from": "position", "n_out": 6, "total_key_dim": 4, "num_heads": 2, "attention_left_only": True,
    },
    "times": {"class": "combine", "kind": "mul", "from": ["base:keys", "self"]},
    "conv": {"class": "conv", "from": "times", "n_out": 3, "filter_size": [3], "padding": "same", "with_bias": True},
    "pool": {"class": "pool", "from": "conv", "mode": "avg", "pool_size": [2], "padding": "same"},
    "longer": {"class": "postfix_in_time", "from": "pool", "postfix": 0.5},
    "backwards": {"class": "rec", "unit": "nativelstm2", "from": "longer", "n_out": 2, "direction": -1},
    "inner": {
        "class": "rec", "from": "longer", "n_out": 2,
        "unit": {"output": _linear(["data:source", "prev:output", "base:before"], 2)},
    },
    "best": {"class": "reduce", "from": ["inner", "backwards"], "mode": "max", "axes": "T"},
    "cell": {"class": "rnn_cell", "unit": "BasicLSTM", "from": ["best", "before"], "n_out": 3},
    "rec": {"class": "rec", "unit": "StandardLSTM", "from": "cell", "n_out": 3, "dropout": 0.2},
    "output": {"class": "rnn_cell", "unit": "GRU", "from": "rec", "n_out": 4, "initial_state": "var"},
    "stop": _linear("output", 5, None, loss="bin_ce", target="dense", loss_scale=0.3),
}  # fmt: skip
FURTHER = {
    "scale": {"class": "constant", "value": 0.5, "shape": (5,)},
    "scaled": {"class": "combine", "kind": "mul", "from": ["data:dense", "scale"]},
    "expanded": {"class": "expand_dims", "from": "scaled", "axis": "spatial"},
    "squeezed": {"class": "squeeze", "from": "expanded", "axis": "auto"},
    "distance": {"class": "relative_positional_encoding", "from": "squeezed", "n_out": 2, "clipping": 2},
    "self": {
        "class": "self_attention", "from": "squeezed", "n_out": 6, "total_key_dim": 4, "num_heads": 2, "key_shift": "distance",
    },
    "frames": {"class": "reinterpret_data", "from": "self", "size_base": "data:align"},
    "labels": _linear("data:align", 6, None),
    "keys": _linear("data:data", 6),
    "small": {"class": "compare", "kind": "less", "from": ["frames", "labels"]},
    "masked": {"class": "eval", "from": ["frames", "small"], "eval": "source(0) * tf.cast(source(1), tf.float32)"},
    "products": {"class": "dot", "from": ["masked", "labels"], "red1": "T", "red2": "T", "var1": "F", "var2": "F"},
    "vector": {"class": "merge_dims", "from": "products", "axes": "static"},
    "beside": _linear(["vector", "masked"], 5),
    "l2": _linear("beside", 5, None, loss="mse", target="dense"),
    "numbers": {"class": "range_in_axis", "from": "beside", "axis": "T", "dtype": "float32"},
    "numbered": {"class": "combine", "kind": "add", "from": ["beside", "numbers"]},
    "dump": {"class": "hdf_dump", "from": "numbered", "filename": "numbered.hdf", "is_output_layer": True},
    "l1": _linear("numbered", 5, None, loss="mean_l1", target="dense"),
    "smoothed": {
        "class": "softmax", "from": "beside", "loss": "ce", "target": "align", "loss_opts": {"label_smoothing": 0.1},
    },
    "found": {"class": "reduce", "from": "smoothed", "mode": "argmax", "axes": "F", "loss": "edit_distance", "target": "align"},
    "loop": {"class": "rec", "from": "beside", "unit": IN_FRAMES},
    "kept": {"class": "rec", "from": "beside", "unit": IN_FRAMES, "optimize_move_layers_out": False},
    "decided": {"class": "decide", "from": ["loop"]},
    "output": _linear(["decided", "kept"], 3, loss="as_is"),
}  # fmt: skip
NETWORKS = {"layers": NETWORK, "attention": DECODER, "further": FURTHER}
for _path in sorted(Path(__file__).parent.glob("layers_of_*.py")):
    NETWORKS |= importlib.import_module(f"tests.{_path.stem}").NETWORKS
SEARCH = {
    name: layer for name, layer in DECODER.items() if name not in ("with_end", "with_start", "squared")
} | {
    "output": {
        "class": "rec", "from": [], "target": "classes", "max_seq_len": 6,
        "unit": ATTENTION | {"end": {"class": "compare", "from": "output", "value": 0}},
    },
    "decision": {"class": "decide", "from": "output", "loss": "edit_distance", "target": "classes", "only_on_search": True},
}  # fmt: skip
