"""Parameters of every layout grow into each other as in RETURNN, bit for bit: statistics, kernels, projections, norms, units."""

import numpy as np
import pytest

from boulder.network import describe
from boulder.training.growth import grow
from tests.parity.published_style import linear
from tests.parity.test_growth_like_returnn import values_of

pytestmark = pytest.mark.parity
EXTERN_DATA = {"data": {"dim": 5, "shape": (None, 5)}, "align": {"dim": 4, "sparse": True, "shape": (None,)}}


def network(layers: dict, source="top") -> dict:
    return layers | {"output": {"class": "softmax", "from": source, "loss": "ce", "target": "align"}}


def on_linear(width: int, **layer) -> dict:
    """A linear layer of `width` units, then `layer`"""
    return network({"in": linear("data", width, "tanh"), "top": {"from": "in", **layer}})


def norms(width: int, layers: int = 1, **options) -> dict:
    net, source = {}, "data"
    for i in range(layers):
        net[f"h{i}"] = linear(source, width, "tanh")
        net[f"norm{i}"] = {"class": "batch_norm", "from": f"h{i}", **options}
        source = f"norm{i}"
    return network(net, source)


def depthwise(width: int) -> dict:
    options = {"filter_size": (3,), "padding": "same", "with_bias": True}
    return on_linear(width, **{"class": "conv"}, n_out=width, groups=width, **options)


def strided(width: int, filters: int, window: int) -> dict:
    net = on_linear(width, **{"class": "conv"}, n_out=filters, filter_size=(window,), padding="same", strides=2)
    net["up"] = {
        "class": "transposed_conv", "from": "top", "n_out": filters, "filter_size": (2,), "strides": (2,), "padding": "valid",
    }  # fmt: skip
    net["back"] = {"class": "reinterpret_data", "from": "up", "size_base": "data"}
    return net | {"output": net["output"] | {"from": "back"}}


def normed(width: int) -> dict:
    net = {
        "in": linear("data", width, "tanh"), "ln": {"class": "layer_norm", "from": "in"},
        "att": {"class": "self_attention", "from": "ln", "n_out": width, "num_heads": 2, "total_key_dim": width},
        "pos": {"class": "relative_positional_encoding", "from": "ln", "n_out": width // 2, "clipping": 3},
        "rel": {
            "class": "self_attention", "from": "ln", "n_out": width, "num_heads": 2, "total_key_dim": width, "key_shift": "pos",
        },
        "general": {"class": "norm", "from": ["att", "rel"], "axis": "F"},
        "prod": {"class": "elemwise_prod", "from": "general"},
        "gated": {"class": "gating", "from": "general", "activation": None, "gate_activation": "sigmoid"},
    }  # fmt: skip
    return network(net, ["general", "gated"])


def unit(name: str, width: int, layers: int = 1, **options) -> dict:
    net, source = {}, "data"
    for i in range(layers):
        net[f"r{i}"] = {"class": "rec", "unit": name, "from": source, "n_out": width, **options}
        source = f"r{i}"
    return network(net, source)


def joined(width: int, layers: int = 1) -> dict:
    options = {"global_norm": False, "global_norm_joined": True, "with_concat": True}
    return unit("layernormvariantslstm", width, layers, unit_opts=options)


def looped(width: int, name: str) -> dict:
    inner = {
        "cell": {"class": "rnn_cell", "unit": name, "from": ["data:source", "prev:output"], "n_out": width},
        "output": linear("cell", width),
    }
    return network({"top": {"class": "rec", "from": "data", "unit": inner}})


def variables(width: int) -> dict:
    net = {
        "in": linear("data", width, "tanh"),
        "scale": {"class": "variable", "shape": (width,), "init": 1.0},
        "top": {"class": "combine", "kind": "mul", "from": ["in", "scale"]},
    }
    return network(net)


V2 = {"param_version": 2}
GROWTHS = {
    "batch norm, deeper": (norms(3), norms(3, 2)),
    "batch norm, wider": (norms(3, 2), norms(5, 2)),
    "batch norm, wider, version 2": (norms(3, **V2), norms(5, 2, **V2)),
    "batch norm, narrower, version 1": (norms(5, 2, param_version=1), norms(3, param_version=1)),
    "an option adds a batch norm": (on_linear(3, **linear("in", 3)), on_linear(3, **linear("in", 4), batch_norm=True)),
    "a depthwise convolution": (depthwise(3), depthwise(5)),
    "a narrower depthwise convolution": (depthwise(5), depthwise(2)),
    "strided and transposed convolutions": (strided(3, 4, 3), strided(4, 6, 5)),
    "convolutions with fewer filters": (strided(4, 6, 5), strided(3, 4, 3)),
    "norms and attention": (normed(4), normed(8)),
    "lstmp": (unit("lstmp", 3), unit("lstmp", 5, 2)),
    "LSTM": (unit("LSTM", 3), unit("LSTM", 5, 2)),
    "a projected LSTM": (unit("StandardLSTM", 3, unit_opts={"num_proj": 3}), unit("StandardLSTM", 5, unit_opts={"num_proj": 5})),
    "nativelstm2": (unit("nativelstm2", 3), unit("nativelstm2", 5, 3)),
    "blocklstm": (unit("lstmblock", 3), unit("lstmblock", 5, 2)),
    "gru": (unit("gru", 3), unit("gru", 5, 2)),
    "rhn": (unit("rhn", 3, unit_opts={"depth": 2}), unit("rhn", 5, 2, unit_opts={"depth": 3})),
    "layernormvariantslstm": (unit("layernormvariantslstm", 3), unit("layernormvariantslstm", 5, 2)),
    "joined norms": (joined(3), joined(5, 2)),
    "zoneoutlstm": (unit("zoneoutlstm", 3), unit("zoneoutlstm", 5, 2)),
    "another unit": (unit("nativelstm2", 3), unit("lstmblock", 3)),
    "a cell in a loop": (looped(3, "LSTMBlock"), looped(5, "LSTMBlock")),
    "a GRU cell in a loop": (looped(3, "GRU"), looped(5, "GRU")),
    "variables": (variables(3), variables(5)),
}  # fmt: skip


def test_every_layout_grows_as_in_returnn(returnn):
    cases, ours, names = [], [], []
    for name, (old_net, new_net) in GROWTHS.items():
        old, new = describe(old_net, EXTERN_DATA).params, describe(new_net, EXTERN_DATA).params
        params, fresh = values_of(old, 1), values_of(new, 2)
        for mode in ("ifpossible", "subset", "reset"):
            grown, _ = grow(params, old, new, lambda spec, fresh=fresh: fresh[spec.path].copy(), mode)
            ours.append(grown)
            names.append(f"{name}, {mode}")
            cases.append(
                {
                    "kind": "grow", "old_net": old_net, "new_net": new_net, "extern_data": EXTERN_DATA, "params": params,
                    "fresh": fresh, "mode": mode,
                }
            )  # fmt: skip
    for name, grown, expected in zip(names, ours, returnn(cases), strict=True):
        assert set(grown) == set(expected), name
        for path, value in expected.items():
            np.testing.assert_array_equal(grown[path], value, err_msg=f"{name}: {path}")
