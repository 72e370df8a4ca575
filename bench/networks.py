"""The networks whose steps are measured, and a batch for each. All sequences have the same length, so that all programs compute
the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]
from tests.conformer import add, block, linear  # noqa: E402

END = 0
"""label that ends a sentence"""


def network(options: dict[str, Any]) -> dict[str, Any]:
    """
    :return: net dict of `options["network"]`, a key of `NETWORKS`. With `options["recompute"]`, the loop of "attention" and each layer
        of "transformer" are computed again for the gradient
    """
    return NETWORKS[options["network"]](options)


def streams(options: dict[str, Any]) -> dict[str, Any]:
    """:return: `extern_data`"""
    return {"data": {"dim": options["features"]}, "classes": {"dim": options["classes"], "sparse": True}}


def lengths(options: dict[str, Any]) -> dict[str, int]:
    """:return: key → length of each sequence: a sentence has fewer labels than frames"""
    return {"data": options["frames"], "classes": options.get("labels", options["frames"])}


def batch(options: dict[str, Any]) -> dict[str, Any]:
    """:return: key → array, [sequences, frames, …]"""
    import numpy

    random, count = numpy.random.default_rng(1), options["sequences"]
    data = random.normal(size=(count, options["frames"], options["features"])).astype("float32")
    classes = random.integers(0, options["classes"], (count, lengths(options)["classes"])).astype("int32")
    return {"data": data, "classes": classes}


def blstm(options: dict[str, Any]) -> dict[str, Any]:
    net, source = _blstm_layers(options)
    return net | {"output": {"class": "softmax", "from": source, "loss": "ce", "target": "classes"}}


def _blstm_layers(options: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    net: dict[str, Any] = {}
    source: Any = "data"
    for number in range(1, options["layers"] + 1):
        for name, direction in (("fw", 1), ("bw", -1)):
            net[f"{name}{number}"] = {
                "class": "rec", "unit": options["unit"], "n_out": options["units"], "direction": direction, "from": source,
            }  # fmt: skip
        source = [f"fw{number}", f"bw{number}"]
    return net, source


def attention(options: dict[str, Any]) -> dict[str, Any]:
    """A BLSTM encoder, and an LSTM decoder with MLP attention and feedback of its weights (Zeyer et al. 2018)."""
    net, source = _blstm_layers(options)
    units = options["units"]
    body = {
        "output": {
            "class": "choice", "from": "output_prob", "target": "classes", "beam_size": options["beam"], "initial_output": END,
        },
        "end": {"class": "compare", "from": "output", "value": END},
        "label": linear("output", 128, with_bias=False),
        "s": {
            "class": "rec", "unit": options["unit"], "from": ["prev:label", "prev:context"], "n_out": units,
        },
        "query": linear("s", units, with_bias=False),
        "fed_back": linear("prev:weights_sum", units, with_bias=False),
        "energy_in": {
            "class": "combine", "kind": "add", "from": ["base:keys", "query", "fed_back"], "activation": "tanh",
        },
        "energy": linear("energy_in", 1, with_bias=False),
        "weights": {"class": "softmax_over_spatial", "from": "energy"},
        "weights_sum": {"class": "combine", "kind": "add", "from": ["prev:weights_sum", "weights"]},
        "context": {"class": "generic_attention", "weights": "weights", "base": "base:encoder"},
        "readout": linear(["s", "prev:label", "context"], units, "tanh"),
        "output_prob": {"class": "softmax", "from": "readout", "loss": "ce", "target": "classes"},
    }  # fmt: skip
    return net | {
        "encoder": {"class": "copy", "from": source},
        "keys": linear("encoder", units),
        "output": {
            "class": "rec", "from": [], "unit": body, "target": "classes", "max_seq_len": str(lengths(options)["classes"]),
        } | ({"recompute": True} if options.get("recompute") else {}),
        "decision": {"class": "decide", "from": "output", "is_output_layer": True},
    }  # fmt: skip


def transformer(options: dict[str, Any]) -> dict[str, Any]:
    """Layers of a Transformer encoder, with the norm before each part (Vaswani et al. 2017)."""
    width, source, net = options["units"], "input", {"input": linear("data", options["units"])}
    for number in range(options["layers"]):
        name = f"layer{number}"
        layers = {
            f"{name}_att_ln": {"class": "layer_norm", "from": source},
            f"{name}_self": {
                "class": "self_attention", "from": f"{name}_att_ln", "n_out": width, "total_key_dim": width,
                "num_heads": width // 64,
            },
            f"{name}_att_out": linear(f"{name}_self", width),
            f"{name}_att": add(source, f"{name}_att_out"),
            f"{name}_ff_ln": {"class": "layer_norm", "from": f"{name}_att"},
            f"{name}_ff1": linear(f"{name}_ff_ln", 4 * width, "relu"),
            f"{name}_ff2": linear(f"{name}_ff1", width),
            name: add(f"{name}_att", f"{name}_ff2"),
        }  # fmt: skip
        again = {"recompute": name} if options.get("recompute") else {}
        net |= {key: layer | again for key, layer in layers.items()}
        source = name
    return net | {"output": {"class": "softmax", "from": source, "loss": "ce", "target": "classes"}}


def conformer(options: dict[str, Any]) -> dict[str, Any]:
    width, source, net = options["units"], "input", {"input": linear("data", options["units"])}
    norm = {"masked_time": True, "momentum": 0.1, "epsilon": 1e-3}
    for number in range(options["layers"]):
        net |= block(f"block{number}", source, dim=width, heads=width // 64, kernel=32, clipping=32, norm=norm)
        source = f"block{number}"
    return net | {"output": {"class": "softmax", "from": source, "loss": "ce", "target": "classes"}}


NETWORKS = {"blstm": blstm, "attention": attention, "transformer": transformer, "conformer": conformer}
