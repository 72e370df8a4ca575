"""A phase is described in milliseconds: the manager describes every phase of every experiment."""

import time

from boulder.network import describe

EXTERN_DATA = {"data": {"dim": 80}, "classes": {"dim": 10000, "sparse": True}}
SECONDS = 0.05
"""for a Conformer of 12 blocks, on a machine like that of CI"""


def feed_forward(name: str, source: str) -> dict:
    return {
        f"{name}_norm": {"class": "layer_norm", "from": source},
        f"{name}_1": {"class": "linear", "activation": "swish", "from": f"{name}_norm", "n_out": 2048},
        f"{name}_2": {"class": "linear", "activation": None, "from": f"{name}_1", "n_out": 512, "dropout": 0.1},
        f"{name}_drop": {"class": "dropout", "dropout": 0.1, "from": f"{name}_2"},
        f"{name}_half": {"class": "eval", "from": f"{name}_drop", "eval": "0.5 * source(0)"},
        f"{name}_out": {"class": "combine", "kind": "add", "from": [f"{name}_half", source]},
    }


def block(name: str, source: str) -> dict:
    """:return: layers of a block (Gulati et al. 2020), of which the last has the name of the block"""
    att, conv = f"{name}_att", f"{name}_conv"
    return {
        **feed_forward(f"{name}_ff1", source),
        f"{att}_norm": {"class": "layer_norm", "from": f"{name}_ff1_out"},
        f"{att}_distance": {"class": "relative_positional_encoding", "from": f"{att}_norm", "n_out": 64, "clipping": 32},
        att: {
            "class": "self_attention", "from": f"{att}_norm", "n_out": 512, "total_key_dim": 512, "num_heads": 8,
            "attention_dropout": 0.1, "key_shift": f"{att}_distance",
        },
        f"{att}_linear": {"class": "linear", "activation": None, "with_bias": False, "from": att, "n_out": 512},
        f"{att}_drop": {"class": "dropout", "dropout": 0.1, "from": f"{att}_linear"},
        f"{att}_out": {"class": "combine", "kind": "add", "from": [f"{att}_drop", f"{name}_ff1_out"]},
        f"{conv}_norm": {"class": "layer_norm", "from": f"{att}_out"},
        f"{conv}_1": {"class": "linear", "activation": None, "from": f"{conv}_norm", "n_out": 1024},
        f"{conv}_gate": {"class": "gating", "activation": "identity", "from": f"{conv}_1"},
        conv: {
            "class": "conv", "from": f"{conv}_gate", "n_out": 512, "filter_size": (32,), "padding": "same",
            "groups": 512, "with_bias": True,
        },
        f"{conv}_batch_norm": {"class": "batch_norm", "from": conv, "masked_time": True},
        f"{conv}_swish": {"class": "activation", "activation": "swish", "from": f"{conv}_batch_norm"},
        f"{conv}_2": {"class": "linear", "activation": None, "from": f"{conv}_swish", "n_out": 512},
        f"{conv}_drop": {"class": "dropout", "dropout": 0.1, "from": f"{conv}_2"},
        f"{conv}_out": {"class": "combine", "kind": "add", "from": [f"{conv}_drop", f"{att}_out"]},
        **feed_forward(f"{name}_ff2", f"{conv}_out"),
        name: {"class": "layer_norm", "from": f"{name}_ff2_out"},
    }  # fmt: skip


def conformer(blocks: int) -> dict:
    net = {"source": {"class": "linear", "activation": None, "from": "data", "n_out": 512}}
    for number in range(blocks):
        net |= block(f"block{number}", f"block{number - 1}" if number else "source")
    return net | {"output": {"class": "softmax", "from": f"block{blocks - 1}", "loss": "ctc"}}


def test_a_conformer_of_12_blocks():
    net = conformer(12)
    seconds = []
    for _ in range(5):
        began = time.process_time()
        spec = describe(net, EXTERN_DATA)
        seconds.append(time.process_time() - began)
    assert len(spec.layers) == len(net)
    assert min(seconds) < 2 * SECONDS  # a machine that is twice as slow
    print(f"{1000 * min(seconds):.0f} ms")
