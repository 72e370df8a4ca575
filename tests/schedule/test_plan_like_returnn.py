"""`plan` and RETURNN give the same network in each epoch.

The numbers come from `returnn.pretrain.Pretrain` of returnn 1.20261022.211313: the width of a layer in each epoch of
pretraining and in the two epochs after it. Index i has width i, and the original network has width 99.
"""

import ast
from pathlib import Path

import pytest

from boulder.schedule import WrapEpochValue, plan
from boulder.schedule.comparing import same_value
from boulder.schedule.joining import output_layers

RECORDED = Path(__file__).with_name("returnn_schedules.txt").read_text(encoding="utf-8").splitlines()[1:]
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


def setup_of(case: dict) -> tuple[dict, dict]:
    """:return: network and pretrain, with functions in place of their names in the file"""
    network, pretrain = case["network"], dict(case["pretrain"])
    for name, place, epochs_per_value in case["epoch_values"]:
        value = WrapEpochValue(lambda epoch, per=epochs_per_value: min(epoch // per, 4))
        if place == "opts/x":
            network[name].setdefault("opts", {})["x"] = value
        else:
            network[name][place] = [1, value, ("a", value)] if place == "lst" else value

    def algo(idx, net_dict):
        if idx == len(case["algo"]):
            return None
        does = case["algo"][idx]
        for name, n_out in does.get("set", ()):
            net_dict[name]["n_out"] = n_out
        net_dict.pop(does.get("drop"), None)
        keys = {"rep": "#repetition", "config": "#config", "mode": "#copy_param_mode", "info": "#info"}
        net_dict.update({keys[key]: value for key, value in does.items() if key in keys})
        if "info" in does:
            net_dict["#info"] = {"idx": does["info"]}
        return net_dict

    return network, pretrain | ({"construction_algo": algo} if "algo" in case else {})


@pytest.mark.parametrize("line", RECORDED, ids=range(len(RECORDED)))
def test_recorded_schedule(line):
    case = ast.literal_eval(line)
    network, pretrain = setup_of(case)
    result = plan(network, pretrain or True, sum(case["epochs"]) + 3)
    mode, copies_outputs = case["copy"]
    assert result.num_pretrain_epochs == sum(case["epochs"])
    assert [len(phase.epochs) for phase in result.phases] == [*case["epochs"][:-1], case["epochs"][-1] + 3]
    assert len({phase.name for phase in result.phases}) == len(result.phases)
    expected = {}
    for phase, (changed, gone) in zip(result.phases, case["networks"], strict=True):
        expected = {name: layer for name, layer in (expected | changed).items() if name not in gone}
        layers = {name: layer for name, layer in expected.items() if not name.startswith("#")}
        assert same_value(phase.network, layers)
        assert phase.config == expected.get("#config", {})
        assert phase.copy_param_mode == expected.get("#copy_param_mode", mode)
        resets = not copies_outputs and phase.copy_param_mode != "reset" and phase is not result.phases[0]
        assert set(phase.reset_layers) == (set(output_layers(layers)) if resets else set())
