"""Comparison of growth modes on a Transformer encoder: pronunciations of 4,000 words, with three seeds each.

    boulder run config/growth_transformer.py       21 trainings of 8 epochs, about ten minutes on two idle cores
    .venv/bin/python -m bench.growth_study output/growth_transformer      the table of docs/growth.md, from their output

The network reads the letters of a word, each twice, and is trained with CTC on its phonemes. Each block has self-attention and
feed-forward layers, with layer norm before them (Xiong et al. 2020). Positions are sinusoids of a fixed width behind a linear layer,
so that the model can get wider. Two schedules, deeper and wider, have the same data, epochs and learning rates, and end with the
same network. Their variants differ in how a phase initialises its parameters from the previous one.
"""

from dataclasses import dataclass, replace

from config.g2p import EACH_ENTRY, FRAMES_PER_LETTER
from config.growth_ways import lay_out_ways

CONFIG = {
    "batch_size": 750,
    "max_seqs": 100,
    "batching": "laplace:.1000",
    "learning_rates": [0.001, 0.003, 0.003, 0.003, 0.003, 0.002, 0.001, 0.0005],
    "use_learning_rate_control_always": True,  # also during pretraining
    "optimizer": {"class": "adam", "epsilon": 1e-8},
    "gradient_clip_global_norm": 5.0,
    "use_normalized_loss": True,
}


@dataclass(frozen=True)
class Size:
    """
    :param blocks: number of blocks
    :param width: of the model; feed-forward layers are twice as wide
    :param heads: number of heads
    :param dropout: dropout rate of the outputs of attention and feed-forward layers
    """

    blocks: int = 4
    width: int = 32
    heads: int = 4
    dropout: float = 0.1


FULL = Size()
DEEPER = {  # name → options of each index, besides its layers
    "subset": {"#copy_param_mode": "subset"},
    "deepen": {"#copy_param_mode": "deepen"},
    "lemon": {"#copy_param_mode": "lemon"},
}
WIDER = {
    "subset": {"#copy_param_mode": "subset"},
    "net2wider, noise 0.5": {"#copy_param_mode": "net2wider", "#growth_noise": 0.5},
    "bert2bert": {"#copy_param_mode": "bert2bert"},
}


def linear(source: str, n_out: int, activation: str | None = None, **options) -> dict:
    return {"class": "linear", "from": source, "n_out": n_out, "activation": activation, **options}


def add(*sources: str) -> dict:
    return {"class": "combine", "kind": "add", "from": list(sources)}


def block(name: str, source: str, size: Size) -> dict:
    """:return: self-attention and feed-forward layers, each as a residual; the last one is layer `name`"""
    dropped = {"class": "dropout", "dropout": size.dropout, "dropout_noise_shape": EACH_ENTRY}
    return {
        f"{name}_norm": {"class": "layer_norm", "from": source},
        f"{name}_att": {
            "class": "self_attention", "from": f"{name}_norm", "n_out": size.width, "total_key_dim": size.width,
            "num_heads": size.heads,
        },
        f"{name}_att_out": linear(f"{name}_att", size.width),
        f"{name}_att_drop": dropped | {"from": f"{name}_att_out"},
        f"{name}_attended": add(source, f"{name}_att_drop"),
        f"{name}_ff_norm": {"class": "layer_norm", "from": f"{name}_attended"},
        f"{name}_ff_in": linear(f"{name}_ff_norm", 2 * size.width, "relu"),
        f"{name}_ff_out": linear(f"{name}_ff_in", size.width),
        f"{name}_ff_drop": dropped | {"from": f"{name}_ff_out"},
        name: add(f"{name}_attended", f"{name}_ff_drop"),
    }  # fmt: skip


def network(size: Size) -> dict:
    """:return: net dict"""
    net = {
        "embedding": linear("data", size.width, with_bias=False),
        "sinusoids": {"class": "positional_encoding", "from": "frames", "n_out": 32},
        "frames": {"class": "repeat", "from": "embedding", "repetitions": FRAMES_PER_LETTER},
        "positions": linear("sinusoids", size.width),
        "input": add("frames", "positions"),
    }
    source = "input"
    for number in range(size.blocks):
        net |= block(f"block{number}", source, size)
        source = f"block{number}"
    net["norm"] = {"class": "layer_norm", "from": source}
    net["output"] = {"class": "softmax", "from": "norm", "loss": "ctc", "target": "classes"}
    return net


def deeper(way: dict):
    """:return: construction algo with 1 block for two epochs and 2 blocks for two"""

    def grow(idx: int, net_dict: dict) -> dict | None:
        if idx == 2:
            return None
        return network(replace(FULL, blocks=idx + 1, dropout=0.0)) | way | {"#repetitions": 2}

    return grow


def wider(way: dict):
    """:return: construction algo with half the width and half the heads for four epochs"""

    def grow(idx: int, net_dict: dict) -> dict | None:
        if idx == 1:
            return None
        small = replace(FULL, width=FULL.width // 2, heads=FULL.heads // 2, dropout=0.0)
        return network(small) | way | {"#repetitions": 4}

    return grow


def py() -> None:
    schedules = {"deeper": (deeper, DEEPER), "wider": (wider, WIDER)}
    lay_out_ways("growth_transformer", network(FULL), schedules, CONFIG, num_words=4_000)
