"""`get_network(epoch=…)`: RETURNN's other way to change the network."""

import pytest

from boulder.errors import ScheduleError
from boulder.schedule import WrapEpochValue, plan


def network(n_out: int, **keys) -> dict:
    net = {"l": {"class": "linear", "n_out": n_out}, "output": {"class": "softmax", "loss": "ce", "from": "l"}}
    return net | {f"#{key}": value for key, value in keys.items()}


def test_it_is_called_for_each_epoch_and_each_new_network_is_a_phase():
    asked = []

    def get_network(epoch, **_kwargs):
        asked.append(epoch)
        return network(epoch // 3, copy_param_mode="subset") | ({"#config": {"batch_size": 5}} if epoch == 7 else {})

    result = plan(None, None, 7, get_network=get_network)
    assert asked == [1, 2, 3, 4, 5, 6, 7]
    assert [(phase.name, phase.index, phase.epochs, phase.config) for phase in result.phases] == [
        ("00", 0, range(1, 3), {}),
        ("01", 1, range(3, 6), {}),
        ("02", 2, range(6, 7), {}),
        ("03", 3, range(7, 8), {"batch_size": 5}),
    ]
    assert (result.num_pretrain_epochs, {phase.copy_param_mode for phase in result.phases}) == (0, {"subset"})
    assert not any(phase.is_pretrain for phase in result.phases)
    assert result.phases[0].network["output"] is result.phases[3].network["output"]


def test_it_follows_pretraining():
    def algo(idx, net_dict):
        net_dict["l"]["n_out"] = idx
        return net_dict if idx < 2 else None

    pretrain = {"construction_algo": algo, "repetitions": 2, "copy_output_layer": False}
    result = plan(network(99), pretrain, 10, get_network=lambda epoch: network(99 if epoch < 9 else 100))
    assert [(phase.name, phase.epochs) for phase in result.phases] == [
        ("00", range(1, 3)),
        ("01", range(3, 5)),
        ("final", range(5, 9)),
        ("02", range(9, 11)),
    ]
    assert [phase.reset_layers for phase in result.phases] == [(), ("output",), ("output",), ()]


def test_notes_start_a_new_phase_and_repetitions_have_no_effect():
    phases = plan(None, None, 4, get_network=lambda epoch: network(3, epoch=epoch // 4, repetition=9)).phases
    assert [phase.epochs for phase in phases] == [range(1, 4), range(4, 5)]
    phases = plan(None, None, 2, get_network=lambda epoch: network(WrapEpochValue(lambda epoch: epoch))).phases
    assert [phase.network["l"]["n_out"] for phase in phases] == [1, 2]


def test_bad_input():
    def error_of(get_network, num_epochs=3, network=None, pretrain=None):
        with pytest.raises(ScheduleError) as caught:
            plan(network, pretrain, num_epochs, get_network=get_network)
        return str(caught.value)

    def raising(epoch):
        return network(3) if epoch == 1 else network()

    place = f"test_get_network.py:{raising.__code__.co_firstlineno + 1})"
    assert error_of(raising).startswith("get_network at epoch 2: TypeError: ")
    assert error_of(raising).endswith(place)
    assert error_of(lambda: None).endswith(", called with epoch=)")
    assert error_of(lambda epoch: None) == "get_network at epoch 1: returned None (NoneType), expected a net dict"
    assert "epoch 1: found unknown key '#confg'; did you mean '#config'?" in error_of(lambda epoch: {"#confg": 1})
    assert error_of(3) == "get_network: found 3 (int), expected a function of epoch"
    assert "num_epochs: found None, expected a number, as get_network has no end" in error_of(lambda epoch: {}, None)
    assert error_of(lambda epoch: {}, pretrain=True).startswith("network: found None, expected a net dict, as pretrain")
