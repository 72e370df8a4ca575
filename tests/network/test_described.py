"""Networks that many pipelines share are described once."""

import pytest

from boulder.errors import NetworkError
from boulder.network import describe, described

EXTERN_DATA = {"data": {"dim": 3}}


def test_equal_networks_have_one_description_and_others_their_own():
    net = {"output": {"class": "linear", "n_out": 5, "from": "data"}}
    other = {"output": {"class": "linear", "n_out": 5, "from": "data", "dropout": 0}}
    first = described.described(net, EXTERN_DATA)
    assert described.described({"output": {**net["output"]}}, {"data": {"dim": 3}}) is first
    assert first == describe(net, EXTERN_DATA)
    dims = {described.described(net, {"data": {"dim": dim}}).params["output/W"].shape for dim in (3, 4)}
    assert dims == {(3, 5), (4, 5)}
    assert described.described(other, EXTERN_DATA) is not first


@pytest.mark.parametrize("values", [(0, 0.0), (0, False), ("1", 1), ([1], (1,)), (None, "None")])
def test_values_of_another_type_are_not_confused(values, monkeypatch):
    monkeypatch.setattr(described, "describe", lambda network, extern_data: (network, extern_data))
    found = [described.described({"output": {"option": value}}, EXTERN_DATA)[0]["output"]["option"] for value in values]
    assert [(type(value), value) for value in found] == [(type(value), value) for value in values]


def test_networks_with_functions_are_described_anew():
    net = {"output": {"class": "eval", "eval": lambda source: source(0), "from": "data"}}
    assert described.described(net, EXTERN_DATA) is not described.described(net, EXTERN_DATA)


def test_each_description_warns():
    net = {"output": {"class": "linear", "n_out": 5, "from": "data", "loss_scale": 0.5}}
    for _ in range(2):
        with pytest.warns(UserWarning, match="'loss_scale', which has no effect without a 'loss'"):
            described.described(net, EXTERN_DATA)


def test_errors_are_told_each_time():
    for _ in range(2):
        with pytest.raises(NetworkError, match="layer 'output'"):
            described.described({"output": {"class": "linear", "n_out": -1, "from": "data"}}, EXTERN_DATA)


def test_only_the_newest_are_kept(monkeypatch):
    monkeypatch.setattr(described, "_LIMIT", 2)
    monkeypatch.setattr(described, "_known", {})
    nets = [{"output": {"class": "linear", "n_out": size, "from": "data"}} for size in (1, 2, 3)]
    specs = [described.described(net, EXTERN_DATA) for net in nets]
    assert described.described(nets[2], EXTERN_DATA) is specs[2]
    assert described.described(nets[0], EXTERN_DATA) is not specs[0]
    assert len(described._known) == 2
