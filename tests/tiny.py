"""A tiny task: copying letters, with networks of a few units."""

from pathlib import Path

import numpy as np

EXTERN_DATA = {"data": {"dim": 6, "sparse": True}, "classes": {"dim": 5, "sparse": True}}
CONFIG = {"batch_size": 60, "max_seqs": 6, "batching": "random", "use_normalized_loss": True}


def network(layers: int, width: int, dropout: float = 0.0) -> dict:
    net = {"embedding": {"class": "linear", "from": "data", "n_out": 4, "with_bias": False}}
    source = ["embedding"]
    for layer in range(layers):
        names = [f"fw{layer}", f"bw{layer}"]
        for name, direction in zip(names, (1, -1), strict=True):
            net[name] = {
                "class": "rec", "unit": "nativelstm2", "from": source, "n_out": width, "direction": direction,
                "dropout": dropout,
            }  # fmt: skip
        source = names
    return net | {"output": {"class": "softmax", "from": source, "loss": "ctc"}}


def phase(number: int, epochs: range, net: dict, **config) -> dict:
    return {
        "index": number,
        "start": epochs[0],
        "first_epoch": epochs[0],
        "last_epoch": epochs[-1],
        "network": net,
        "config": CONFIG | config,
        "learning_rate_control": scheduled([0.01] * len(epochs), epochs[0]),
        "copy_param_mode": "subset",
    }


def scheduled(rates: list[float], first_epoch: int = 1) -> dict:
    """:return: the `learning_rate_control` of a phase as plain JSON"""
    return {"class": "scheduled", "first_epoch": first_epoch, "rates": rates}


def write_data(folder: Path) -> Path:
    """:return: `folder`, with train.hdf and dev.hdf"""
    from boulder.data import HdfWriter

    random = np.random.default_rng(1)
    for name, count in (("train", 30), ("dev", 8)):
        with HdfWriter(folder / f"{name}.hdf", EXTERN_DATA) as writer:
            for i in range(count):
                labels = np.array([1, 2, 3, 4, 0])[random.permutation(5)][: random.integers(2, 5)]
                writer.write(f"{name}-{i}", {"data": labels.astype("int32"), "classes": labels.astype("int32")})
    return folder
