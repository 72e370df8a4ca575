"""`WrapEpochValue`: one index with several networks, and so several phases."""

import pytest

from boulder.errors import ScheduleError
from boulder.schedule import WrapEpochValue, plan
from boulder.schedule.canonical import digest


def network(value, **options) -> dict:
    return {
        "l": {"class": "linear", "n_out": 9},
        "output": {"class": "softmax", "loss": "ce", "scale": value, **options},
    }


def algo(idx, net_dict):
    net_dict["l"]["n_out"] = idx
    return net_dict if idx < 2 else None


def test_each_value_is_a_phase_of_its_index_and_the_last_value_stays_after_pretraining():
    result = plan(network(WrapEpochValue(lambda epoch: epoch // 2)), {"construction_algo": algo, "repetitions": 3}, 15)
    assert [(phase.name, phase.epochs, phase.network["output"]["scale"]) for phase in result.phases] == [
        ("00", range(1, 2), 0),
        ("00.2", range(2, 4), 1),
        ("01", range(4, 6), 2),
        ("01.2", range(6, 7), 3),
        ("final", range(7, 8), 3),
        ("final.2", range(8, 16), 4),  # epochs 8 and 9, the last ones of pretraining, and all later ones
    ]
    assert [phase.index for phase in result.phases] == [0, 0, 1, 1, None, None]
    assert result.num_pretrain_epochs == 9


def test_a_constant_value_makes_no_new_phase():
    constant = plan(network(WrapEpochValue(lambda epoch: 0.5)), {"construction_algo": algo, "repetitions": 3}, 15)
    plain = plan(network(0.5), {"construction_algo": algo, "repetitions": 3}, 15)
    assert constant == plain


def test_epoch_values_are_found_at_any_depth():
    value = WrapEpochValue(lambda epoch: epoch)
    wrapped = network(value, opts={"a": [1, {"b": (value, "x")}]})
    wrapped |= {"#config": {"batch_size": value}, "#trainable": WrapEpochValue(lambda epoch: epoch > 1)}
    wrapped["whole"] = WrapEpochValue(lambda epoch: {"class": "copy", "n": epoch})
    first, second = plan(wrapped, {"construction_algo": "no_network_modifications", "repetitions": 2}).phases
    assert first.network["output"]["opts"] == {"a": [1, {"b": (1, "x")}]}
    assert (second.network["output"]["scale"], second.network["whole"]["n"], second.config) == (2, 2, {"batch_size": 2})
    assert (first.trainable_layers, second.trainable_layers) == ((), None)
    assert first.network["l"] is second.network["l"]
    digest([first.network, second.network])  # all values are plain


def test_a_value_of_returnns_class_is_recognised():
    foreign = type("WrapEpochValue", (), {"get_value": lambda self, epoch: epoch})()
    with_func = type("WrapEpochValue", (), {"get_value": lambda self, epoch: self.func(epoch=epoch)})()
    with_func.func = lambda epoch: 1 // 0
    line = with_func.func.__code__.co_firstlineno
    with pytest.raises(ScheduleError, match=rf"ZeroDivisionError: .* \(.*test_epoch_values\.py:{line}\)"):
        plan(network(with_func), {"construction_algo": "no_network_modifications"})
    result = plan(network(foreign), {"construction_algo": "no_network_modifications", "repetitions": 2}, 5)
    assert [phase.network["output"]["scale"] for phase in result.phases] == [1, 2]


def test_functions_are_called_only_for_planned_epochs():
    asked = []
    value = WrapEpochValue(lambda epoch: asked.append(epoch))
    plan(network(value), {"construction_algo": algo, "repetitions": 1000}, 5)
    assert asked == [1, 2, 3, 4, 5]


def test_an_algo_may_create_a_function_per_index():
    def wrapping(idx, net_dict):
        net_dict["output"]["scale"] = WrapEpochValue(lambda epoch: (idx, epoch) if idx == 1 else idx)
        return net_dict if idx < 3 else None

    phases = plan(network(7), {"construction_algo": wrapping, "repetitions": 2}).phases
    assert [phase.network["output"]["scale"] for phase in phases] == [0, (1, 3), (1, 4), 2, 7]
    assert [phase.name for phase in phases] == ["00", "01", "01.2", "02", "final"]


def test_an_exception_is_reported_with_index_epoch_and_line():
    value = WrapEpochValue(lambda epoch: 1 // (3 - epoch))
    line = value.func.__code__.co_firstlineno
    with pytest.raises(ScheduleError) as caught:
        plan(network(0, opts={"a": [value]}), {"construction_algo": algo, "repetitions": 2})
    start = "construction_algo at idx 1, epoch 3: WrapEpochValue at 'output/opts/a[0]': ZeroDivisionError: "
    assert str(caught.value).startswith(start)
    assert str(caught.value).endswith(f"test_epoch_values.py:{line})")
    with pytest.raises(ScheduleError, match=r"the original network, epoch 3: WrapEpochValue at 'output/scale'"):
        plan(network(value), {"construction_algo": "no_network_modifications", "repetitions": 3})


def test_invalid_values_are_reported():
    net = network(0) | {"#config": WrapEpochValue(lambda epoch: epoch), "l": {}}
    with pytest.raises(ScheduleError, match=r"epoch 1: '#config' is 1 \(int\), expected a dict"):
        plan(net, {"construction_algo": "no_network_modifications"})
    with pytest.raises(ScheduleError, match=r"epoch 1: layer 'l' is None \(NoneType\), expected a dict"):
        plan(network(0) | {"l": WrapEpochValue(lambda epoch: None)}, {"construction_algo": "no_network_modifications"})
    with pytest.raises(ScheduleError, match=r"'from_output': layer 'l' is WrapEpochValue"):
        plan(network(0) | {"l": WrapEpochValue(lambda epoch: None)}, True)


def test_epoch_values_need_pretraining():
    with pytest.raises(ScheduleError, match="'output': found a WrapEpochValue, but there is no pretraining"):
        plan(network(WrapEpochValue(lambda epoch: epoch)), None, 3)
