"""Blocks of today's networks, with all widths as arguments, for tests of growth."""

from dataclasses import dataclass

from boulder.returnn.provided.dims import SpatialDim
from tests.conformer import add, block, linear

CTC = {"class": "softmax", "loss": "ctc"}


@dataclass(frozen=True)
class Widths:
    """
    :param model: of the residual stream
    :param inner: within blocks
    :param heads: number of heads
    :param key: size of a key
    :param value: size of a value
    """

    model: int = 4
    inner: int = 3
    heads: int = 2
    key: int = 2
    value: int = 2


def resnet_block(name: str, source: str, widths: Widths) -> dict:
    """Two convolutions with batch norm, and a residual (He et al. 2016)."""
    conv = {"class": "conv", "filter_size": (3,), "padding": "same", "with_bias": True}
    return {
        f"{name}_a": conv | {"from": source, "n_out": widths.inner},
        f"{name}_a_bn": {"class": "batch_norm", "from": f"{name}_a"},
        f"{name}_a_relu": {"class": "activation", "activation": "relu", "from": f"{name}_a_bn"},
        f"{name}_b": conv | {"from": f"{name}_a_relu", "n_out": widths.model},
        f"{name}_b_bn": {"class": "batch_norm", "from": f"{name}_b"},
        f"{name}_sum": add(source, f"{name}_b_bn"),
        name: {"class": "activation", "activation": "relu", "from": f"{name}_sum"},
    }


def attention(name: str, source: str, widths: Widths) -> dict:
    """Self-attention of single layers: queries, keys and values per head."""
    frames, layers = SpatialDim(f"{name}-keys"), {}
    for kind, size in (("q", widths.key), ("k", widths.key), ("v", widths.value)):
        layers[f"{name}_{kind}"] = linear(source, widths.heads * size)
        dims = (widths.heads, size)
        layers[f"{name}_{kind}_heads"] = {"class": "split_dims", "from": f"{name}_{kind}", "axis": "F", "dims": dims}
    for kind in "kv":
        tags = {"T": frames}
        layers[f"{name}_{kind}_all"] = {
            "class": "reinterpret_data",
            "from": f"{name}_{kind}_heads",
            "set_dim_tags": tags,
        }
    energy = {
        "class": "dot",
        "from": [f"{name}_q_heads", f"{name}_k_all"],
        "red1": "F",
        "red2": "F",
        "var1": "T",
        "var2": "T",
    }
    weights = {"class": "softmax_over_spatial", "from": f"{name}_e", "axis": frames, "energy_factor": widths.key**-0.5}
    sums = {
        "class": "dot",
        "from": [f"{name}_w", f"{name}_v_all"],
        "red1": frames,
        "red2": frames,
        "var1": "T",
        "var2": "F",
    }
    merged = {"class": "merge_dims", "axes": "static", "from": f"{name}_sums"}
    return layers | {f"{name}_e": energy, f"{name}_w": weights, f"{name}_sums": sums, f"{name}_att": merged}


def fused_attention(name: str, source: str, widths: Widths) -> dict:
    """Self-attention as one layer."""
    keys, values = widths.heads * widths.key, widths.heads * widths.value
    options = {"num_heads": widths.heads, "total_key_dim": keys, "n_out": values}
    return {f"{name}_att": {"class": "self_attention", "from": source, **options}}


def transformer_block(name: str, source: str, widths: Widths, fused: bool = True) -> dict:
    """Self-attention and feed-forward, each with layer norm and a residual (Vaswani et al. 2017)."""
    return {
        f"{name}_ln": {"class": "layer_norm", "from": source},
        **(fused_attention if fused else attention)(name, f"{name}_ln", widths),
        f"{name}_p": linear(f"{name}_att", widths.model, with_bias=False),
        f"{name}_x": add(source, f"{name}_p"),
        f"{name}_ff_ln": {"class": "layer_norm", "from": f"{name}_x"},
        f"{name}_ff1": linear(f"{name}_ff_ln", widths.inner, "relu"),
        f"{name}_ff2": linear(f"{name}_ff1", widths.model, dropout=0.1),
        name: add(f"{name}_x", f"{name}_ff2"),
    }


def composed_transformer_block(name: str, source: str, widths: Widths) -> dict:
    return transformer_block(name, source, widths, fused=False)


def conformer_block(name: str, source: str, widths: Widths) -> dict:
    """See `tests.conformer`."""
    options = {"heads": widths.heads, "kernel": 3, "clipping": 2, "norm": {"masked_time": True}, "dropout": 0.1}
    return block(name, source, dim=widths.model, **options)


BLOCKS = [resnet_block, transformer_block, composed_transformer_block, conformer_block]


def encoder(blocks: list, widths: Widths) -> dict:
    """:param blocks: functions such as `resnet_block`"""
    net, source = {"in": linear("data:x", widths.model)}, "in"
    for number, make in enumerate(blocks):
        net |= make(f"block{number}", source, widths)
        source = f"block{number}"
    return net | {"output": CTC | {"from": source}}


def decoder(widths: Widths, summed: bool = True) -> dict:
    """
    An LSTM with attention to a recurrent encoder, and a beam search.

    :param summed: energies of a layer on the sum of query and key (Bahdanau et al. 2015); or their products
    """
    if summed:
        energies = {
            "sum": add("base:ctx", "query"),
            "tanh": {"class": "activation", "activation": "tanh", "from": "sum"},
            "energy": linear("tanh", 1),
        }
    else:
        sums = {"red1": "F", "red2": "F", "var1": "T", "var2": None}
        energies = {"energy": {"class": "dot", "from": ["base:ctx", "query"], **sums}}
    unit = {
        "embedding": linear("prev:output", widths.inner, initial_output=0),
        "s": {"class": "rnn_cell", "unit": "LSTMBlock", "n_out": widths.model, "from": ["prev:embedding", "prev:att"]},
        "query": linear("s", widths.key),
        **energies,
        "weights": {"class": "softmax_over_spatial", "from": "energy"},
        "att": {"class": "generic_attention", "weights": "weights", "base": "base:enc"},
        "readout": linear(["s", "prev:embedding", "att"], widths.inner, "relu"),
        "prob": {"class": "softmax", "from": "readout", "loss": "ce", "target": "classes", "is_output_layer": True},
        "output": {"class": "choice", "from": "prob", "target": "classes", "beam_size": 3, "initial_output": 0},
        "end": {"class": "compare", "from": "output", "value": 0},
    }
    return {
        "enc": {"class": "rec", "n_out": widths.value, "from": "data:x"},
        "ctx": linear("enc", widths.key, with_bias=False),
        "decoder": {"class": "rec", "from": [], "target": "classes", "max_seq_len": 4, "unit": unit},
        "hypotheses": {"class": "decide", "from": "decoder", "is_output_layer": True},
        "output": {"class": "softmax", "from": "decoder/prob", "loss": "ce", "target": "classes"},
    }
