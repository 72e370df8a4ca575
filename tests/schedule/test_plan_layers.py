"""Layers of a phase that are reset, and layers that are trained."""

import pytest

from boulder.schedule import COPY_PARAM_MODES, plan


def network(*names: str) -> dict:
    net = {name: {"class": "linear", "n_out": 9} for name in names}
    return net | {
        "output": {"class": "softmax", "from": names[-1]},
        "aux": {"class": "softmax", "from": names[0], "loss": "ce", "loss_scale": 0.3},
    }


def growing(**keys):
    """An algo that adds a layer at each index, and at index 2 only makes one wider."""

    def algo(idx, net_dict):
        if idx == 3:
            return None
        net = network(*"ab"[: idx + 1])
        net["a"]["n_out"] = 5 if idx < 2 else 6
        return net | {f"#{key}": value(idx) for key, value in keys.items()}

    return algo


def fields(field: str, keys: dict | None = None, num_epochs: int = 9, **options) -> list:
    pretrain = {"construction_algo": growing(**(keys or {})), **options}
    return [getattr(phase, field) for phase in plan(network(*"abc"), pretrain, num_epochs).phases]


def test_by_default_no_layer_is_reset_and_all_are_trained():
    assert fields("reset_layers") == [()] * 4
    assert fields("trainable_layers") == [None] * 4


@pytest.mark.parametrize("copy_output_layer", [False, "reset"])
def test_output_layers_are_reset_after_the_first_phase(copy_output_layer):
    assert fields("reset_layers", copy_output_layer=copy_output_layer) == [()] + [("output", "aux")] * 3


@pytest.mark.parametrize("mode", COPY_PARAM_MODES)
def test_without_copy_output_layer_only_the_mode_reset_resets_output_layers(mode):
    # a phase that resets all layers does not list its output layers
    assert fields("reset_layers", copy_param_mode=mode) == [()] * 4


@pytest.mark.parametrize("copy_output_layer", [None, True, "ifpossible", "subset"])
def test_values_that_copy_output_layers(copy_output_layer):
    assert fields("reset_layers", copy_output_layer=copy_output_layer, copy_param_mode="subset") == [()] * 4


def test_copy_param_mode_reset_applies_to_output_layers_of_an_index_with_another_mode():
    keys = {"copy_param_mode": lambda idx: "subset" if idx == 1 else "reset"}
    assert fields("reset_layers", keys, copy_param_mode="reset") == [(), ("output", "aux"), (), ()]


def test_an_output_layer_with_an_importer_is_listed_if_all_layers_are_reset():
    net = network("a")
    net["aux"]["custom_param_importer"] = "subset"

    def algo(idx, net_dict):
        net_dict["a"]["n_out"] = idx + 3
        return net_dict if idx < 2 else None

    result = plan(net, {"construction_algo": algo, "copy_output_layer": False, "copy_param_mode": "reset"}).phases
    assert result[1].reset_layers == ("aux",)


def test_is_output_layer_decides():
    net = network("a")
    net["a"]["is_output_layer"], net["output"]["is_output_layer"] = True, False

    def algo(idx, net_dict):
        net_dict["a"]["n_out"] = 3
        return net_dict if idx == 0 else None

    phases = plan(net, {"construction_algo": algo, "copy_output_layer": False}).phases
    assert phases[1].reset_layers == ("a", "aux")


def test_greedy_trains_new_layers_and_outputs_and_everything_after_pretraining():
    result = plan(network(*"abc"), {"construction_algo": growing(), "greedy": True}, 9)
    assert [(phase.name, phase.epochs, phase.trainable_layers) for phase in result.phases] == [
        ("00", range(1, 2), None),
        ("01", range(2, 3), ("b", "output", "aux")),
        ("02", range(3, 4), ("b", "output", "aux")),  # no new layer: the same layers stay trained
        ("final", range(4, 5), ("c", "output", "aux")),
        ("final.2", range(5, 10), None),
    ]
    assert [phase.is_pretrain for phase in result.phases] == [True] * 4 + [False]


def test_trainable_false_begins_a_new_phase_and_trains_nothing():
    keys = {"trainable": lambda idx: idx != 1}
    assert fields("trainable_layers", keys) == [None, (), None, None]
    assert fields("trainable_layers", keys, greedy=True) == [
        None,
        (),
        ("b", "output", "aux"),
        ("c", "output", "aux"),
        None,
    ]


def test_info_alone_begins_a_new_phase():
    def algo(idx, net_dict):
        net_dict["#info"] = {"idx": idx // 2}
        return net_dict if idx < 4 else None

    phases = plan(network("a"), {"construction_algo": algo}).phases
    assert [phase.indices for phase in phases] == [(0, 1), (2, 3), (None,)]
