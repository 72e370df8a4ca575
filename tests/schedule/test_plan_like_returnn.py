"""`plan` gives RETURNN's sequence of networks, epoch by epoch.

The numbers were obtained from `returnn.pretrain.Pretrain` of the package returnn 1.20261022.211313: the layer's width in
each epoch of pretraining and in the two after it, where index i has width i and the original network has width 99.
"""

import pytest

from boulder.schedule import plan

CASES = [
    # name, indices, repetitions, per index, number of pretrain epochs, width per epoch
    ("missing", 3, None, {}, 4, [0, 1, 2, 99, 99, 99]),
    ("int", 3, 2, {}, 8, [0, 0, 1, 1, 2, 2, 99, 99, 99, 99]),
    ("zero", 3, 0, {}, 4, [0, 1, 2, 99, 99, 99]),
    ("true", 3, True, {}, 4, [0, 1, 2, 99, 99, 99]),
    ("empty list", 3, [], {}, 4, [0, 1, 2, 99, 99, 99]),
    ("empty dict", 3, {}, {}, 4, [0, 1, 2, 99, 99, 99]),
    ("list", 3, [1, 2], {}, 7, [0, 1, 1, 2, 2, 99, 99, 99, 99]),
    ("full list", 3, [1, 2, 3, 4], {}, 10, [0, 1, 1, 2, 2, 2, 99, 99, 99, 99, 99, 99]),
    ("list with 0", 3, [0, 2, 0, 1], {}, 3, [1, 1, 99, 99, 99]),
    ("dict", 3, {"default": 2}, {}, 8, [0, 0, 1, 1, 2, 2, 99, 99, 99, 99]),
    ("final only", 3, {"default": 0, "final": 6}, {}, 6, [99, 99, 99, 99, 99, 99, 99, 99]),
    ("final 0", 3, {"default": 2, "final": 0}, {}, 6, [0, 0, 1, 1, 2, 2, 2, 2]),
    ("minus one", 3, {-1: 4, 1: 3}, {}, 9, [0, 1, 1, 1, 2, 99, 99, 99, 99, 99, 99]),
    ("minus one and own number", 3, {-1: 4, 3: 2}, {}, 5, [0, 1, 2, 99, 99, 99, 99]),
    ("numbers", 3, {0: 5, 2: 0}, {}, 7, [0, 0, 0, 0, 0, 1, 99, 99, 99]),
    ("per index", 3, 2, {1: 5}, 11, [0, 0, 1, 1, 1, 1, 1, 2, 2, 99, 99, 99, 99]),
    ("per index 0", 3, 2, {0: 0, 2: 1}, 5, [1, 1, 2, 99, 99, 99, 99]),
    ("per index over dict", 3, {"default": 2, "final": 1}, {0: 3}, 8, [0, 0, 0, 1, 1, 2, 2, 99, 99, 99]),
    ("worked example", 5, 2, {}, 12, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 99, 99, 99, 99]),
    ("no index", 0, 3, {}, 3, [99, 99, 99, 99, 99]),
]


@pytest.mark.parametrize(
    ("num_indices", "repetitions", "per_index", "num_pretrain_epochs", "widths"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_same_network_in_each_epoch(num_indices, repetitions, per_index, num_pretrain_epochs, widths):
    def algo(idx, net_dict):
        if idx == num_indices:
            return None
        net_dict["l"]["n_out"] = idx
        if idx in per_index:
            net_dict["#repetition"] = per_index[idx]
        return net_dict

    original = {"l": {"class": "linear", "n_out": 99}}
    result = plan(original, {"construction_algo": algo, "repetitions": repetitions}, len(widths))
    assert result.num_pretrain_epochs == num_pretrain_epochs
    assert [result.phase(epoch).network["l"]["n_out"] for epoch in range(1, len(widths) + 1)] == widths


@pytest.mark.parametrize("end", [None, {}, False, [], 0])
def test_any_false_value_ends_the_construction(end):
    original = {"l": {"class": "linear", "n_out": 99}}
    result = plan(original, {"construction_algo": lambda idx, net_dict: end})
    assert [phase.index for phase in result.phases] == [None]
