"""The network of the phase before, which a checkpoint holds without the code of its functions."""

import pytest

from boulder.errors import ConfigError
from boulder.network import describe
from boulder.schedule.canonical import canonical
from boulder.training.growth import GrowthOptions, plan_growth
from boulder.training.growth.old_network import old_network
from tests.training import test_growth_of_generated_networks as generated
from tests.training.preserved import EXTERN_DATA


def square(source):
    return source(0) ** 2


def cube(source):
    return source(0) ** 3


def net(width: int, function) -> dict:
    return {
        "h": {"class": "linear", "from": "data:x", "n_out": width, "activation": "tanh"},
        "p": {"class": "linear", "from": "h", "n_out": 3, "activation": None},
        "f": {"class": "eval", "from": "p", "eval": function},
        "output": {"class": "softmax", "from": "f", "loss": "ctc"},
    }


def grown_in_a_job(old_net: dict, new_net: dict, extern_data: dict):
    """:return: the report of a growth that knows the old network from a checkpoint"""
    before = old_network(canonical(old_net), new_net, extern_data)
    old, new = describe(old_net, extern_data), describe(new_net, extern_data)
    options = GrowthOptions(network=new, old_network=before.spec, old_network_unknown=before.unknown)
    return plan_growth(old.params, new.params, "net2wider", options)


def test_functions_are_those_of_the_phase_that_begins():
    report = grown_in_a_job(net(2, square), net(5, square), EXTERN_DATA)
    assert report.grown["h/W"] == ((3, 2), (3, 5))


def test_a_function_that_changed_is_an_error():
    with pytest.raises(ConfigError) as caught:
        grown_in_a_job(net(2, square), net(5, cube), EXTERN_DATA)
    assert str(caught.value).startswith(
        "growth by net2wider: 'net2wider' needs the network before the growth: from its"
    )
    assert "function" in str(caught.value)
    old, new = describe(net(2, square), EXTERN_DATA), describe(net(5, cube), EXTERN_DATA)
    with pytest.raises(
        ConfigError, match=r"layer 'f' \(eval\) has 'eval' <function cube.*, but had <function square"
    ):  # in the manager
        plan_growth(old.params, new.params, "net2wider", GrowthOptions(network=new, old_network=old))


def test_a_network_with_dims_is_restored():
    old_net, new_net = generated.net("feed-forward", 4), generated.net("feed-forward", 8)
    report = grown_in_a_job(old_net, new_net, generated.EXTERN_DATA)
    assert report.initialised == report.dropped == []
