"""The defaults of RETURNN's behavior versions, written into the net dict. tests/parity compares the numbers."""

import pytest

from boulder.errors import NetworkError
from boulder.network import describe
from boulder.network.behavior_version import check_axes, check_version, with_behavior_version

CONV = {"class": "conv", "from": "data", "filter_size": (3,), "padding": "same", "n_out": 2}
DOT = {"class": "dot", "from": ["data", "data"], "reduce": "F"}
MERGE = {"class": "merge_dims", "from": "data", "axes": ["dim:2", "dim:3"]}
NETWORK = {
    "conv": CONV, "dot": DOT, "merge": MERGE,
    "loop": {"class": "rec", "unit": {"inner": {"class": "rec", "unit": {"output": CONV}}, "output": DOT}},
    "other": {"class": "linear", "n_out": 3},
}  # fmt: skip


@pytest.mark.parametrize(
    ("version", "conv", "dot", "merge"),
    [(0, {}, {}, {})]
    + [(2, {}, {}, {}), (3, {}, {"var1": "auto", "var2": "auto"}, {})]
    + [(v, {}, {"var1": "auto", "var2": "auto"}, {"keep_order": True}) for v in (6, 9)]
    + [(v, {"with_bias": True}, {"var1": "auto", "var2": "auto"}, {"keep_order": True}) for v in (10, 38)],
)
def test_each_version_has_the_defaults_of_those_before(version, conv, dot, merge):
    found = with_behavior_version(NETWORK, version)
    assert (found["conv"], found["dot"], found["merge"]) == (CONV | conv, DOT | dot, MERGE | merge)
    assert found["loop"]["unit"]["inner"]["unit"]["output"] == CONV | conv
    assert found["other"] is NETWORK["other"]


def test_a_version_may_change_the_defaults_of_a_unit():
    zoneout = {"class": "rec", "unit": "ZoneoutLSTM", "n_out": 3}
    changed = zoneout | {"unit_opts": {"use_zoneout_output": True}}
    assert with_behavior_version({"s": zoneout}, 16) == {"s": zoneout}
    assert with_behavior_version({"s": zoneout}, 17) == {"s": changed}
    own = zoneout | {"unit_opts": {"use_zoneout_output": False}}
    assert with_behavior_version({"s": own}, 38) == {"s": own}


def test_version_0_leaves_the_net_dict_as_it_is():
    assert with_behavior_version(NETWORK, 0) is NETWORK


def test_what_a_layer_sets_itself_stays():
    conv, merge = CONV | {"with_bias": False}, MERGE | {"keep_order": False}
    network = {"conv": conv, "merge": merge, "dot": DOT | {"var1": "T"}}
    assert with_behavior_version(network, 38) == network


@pytest.mark.parametrize("version", [-1, 39, True, "12", 1.0])
def test_versions_that_do_not_exist_are_errors(version):
    with pytest.raises(NetworkError, match=r"'behavior_version': found .*, expected an int from 0 to 38"):
        check_version(version)


def linear(source, n_out):
    return {"class": "linear", "from": source, "n_out": n_out}


BROADCASTING = {
    "one": linear("data", 1),
    "five": linear("data", 5),
    "output": {"class": "combine", "kind": "mul", "from": ["one", "five"]},
}
CONTRACTED = {
    "a": {"class": "split_dims", "from": "data", "axis": "F", "dims": (2, 3)},
    "b": {"class": "split_dims", "from": "data", "axis": "F", "dims": (3, 2)},
    "output": {"class": "dot", "from": ["a", "b"], "red1": "dim:3", "red2": "dim:3", "var1": "auto", "var2": "auto"},
}


@pytest.mark.parametrize(
    ("network", "version", "message"),
    [
        (
            BROADCASTING,
            11,
            "layer 'output': its sources have features of size 1 and of another size, which are different",
        ),
        (
            CONTRACTED,
            14,
            "layer 'output': its sources have axes of the same size, which are different axes since behavior_ver",
        ),
    ],
)
def test_layers_whose_axes_a_version_keeps_apart_are_refused(network, version, message):
    spec = describe(network, {"data": {"dim": 6}})
    check_axes(spec, version - 1)
    with pytest.raises(NetworkError, match=message):
        check_axes(spec, version)


def test_layers_without_such_axes_pass():
    network = {
        "a": {"class": "split_dims", "from": "data", "axis": "F", "dims": (2, 3)},
        "weights": {"class": "dot", "from": ["a", "a"], "reduce": "F"},
        "same": {"class": "combine", "kind": "add", "from": ["data", "data"]},
        "v": {"class": "split_dims", "from": "data", "axis": "F", "dims": (3, 2)},
        "output": {"class": "dot", "from": ["same", "v"], "reduce": "T"},
        "other": {"class": "copy", "from": "weights", "is_output_layer": True},
    }
    check_axes(describe(network, {"data": {"dim": 6}}), 38)


def test_a_dot_without_second_axes_has_no_axis_of_size_1():
    without, given = DOT | {"var1": "T", "var2": None}, DOT | {"var1": "T", "var2": "F"}
    network = {"without": without, "given": given}
    assert with_behavior_version(network, 2) == network
    assert with_behavior_version(network, 3) == {"without": without | {"add_var2_if_empty": False}, "given": given}
