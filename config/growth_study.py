"""Comparison of growth modes: the network of config/g2p.py on 20,000 words, with three seeds each.

    boulder run config/growth_study.py         33 trainings of 8 epochs, about half an hour on two idle cores
    .venv/bin/python -m bench.growth_study     the table of docs/growth.md, from their output

Two schedules, deeper and wider, have the same data, epochs and learning rates and end with the same network. Their variants
differ in how a phase initialises its parameters from the previous one. "deepen" is not among them, since an LSTM cannot start
as the identity.
"""

from config.g2p import Size, construction_algo, network
from config.growth_ways import lay_out_ways

SIZE = Size(layers=3, width=80, dropout=0.1)
CONFIG = {
    "batch_size": 1500,
    "max_seqs": 100,
    "batching": "laplace:.1000",
    "learning_rates": [0.003, 0.003, 0.003, 0.003, 0.003, 0.002, 0.001, 0.0005],
    "use_learning_rate_control_always": True,  # also during pretraining
    "optimizer": {"class": "adam", "epsilon": 1e-8},
    "gradient_clip_global_norm": 5.0,
    "use_normalized_loss": True,
}
DEEPER = {  # name → options of each index, besides its layers
    "reset": {"#copy_param_mode": "reset"},
    "ifpossible": {"#copy_param_mode": "ifpossible"},
    "subset": {"#copy_param_mode": "subset"},
    "subset_by_source": {"#copy_param_mode": "subset_by_source"},
    "subset_by_source, slots grow": {"#copy_param_mode": "subset_by_source", "#carry_optimizer": "grow"},
    "stack": {"#copy_param_mode": "stack"},
}
WIDER = {
    "subset": {"#copy_param_mode": "subset"},
    "net2wider": {"#copy_param_mode": "net2wider"},
    "net2wider, noise 0.2": {"#copy_param_mode": "net2wider", "#growth_noise": 0.2},
    "net2wider, slots grow": {"#copy_param_mode": "net2wider", "#carry_optimizer": "grow"},
}


def deeper(way: dict):
    """:return: the construction algo of config/g2p.py: 1, 2, 3 layers with 40, 60, 80 units"""
    algo = construction_algo(SIZE, first_batch_size=CONFIG["batch_size"])

    def grow(idx: int, net_dict: dict) -> dict | None:
        net = algo(idx, net_dict)
        return net and net | way

    return grow


def wider(way: dict):
    """:return: construction algo with 3 layers of 40, 60, 80 units. No layers are added, so net2wider preserves the function."""

    def grow(idx: int, net_dict: dict) -> dict | None:
        if idx == 3:
            return None
        return network(SIZE.layers, SIZE.width * (2 + idx) // 4, 0.0) | way | {"#repetitions": 2 if idx == 0 else 1}

    return grow


def py() -> None:
    full = network(SIZE.layers, SIZE.width, SIZE.dropout)
    lay_out_ways("growth_study", full, {"deeper": (deeper, DEEPER), "wider": (wider, WIDER)}, CONFIG, num_words=20_000)
