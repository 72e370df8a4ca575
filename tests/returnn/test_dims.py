"""Axes (`Dim`) in net dicts: equal as in RETURNN, the same whenever the config is read, and serializable."""

import json
import pickle
import subprocess
import sys

import cloudpickle
import pytest

from boulder.errors import ConfigError
from boulder.returnn import load_config
from boulder.returnn.provided.dims import (
    Data,
    Dim,
    FeatureDim,
    ImplicitDynSizeDim,
    ImplicitSparseDim,
    OptionalDim,
    SpatialDim,
    batch_dim,
)
from boulder.schedule import changes
from boulder.schedule.canonical import canonical, digest
from boulder.schedule.comparing import same_value
from boulder.schedule.functions import restore
from tests.returnn.test_surroundings import write

CONFIG = """
from returnn.tf.util.data import SpatialDim, FeatureDim, Data, batch_dim
num_epochs = 3
time, other_time = SpatialDim("time"), SpatialDim("time")
heads = FeatureDim("heads", 4)

def by_dim(source): return time

network = {
    "a": {"class": "x", "in_dim": time, "out_dim": time + 1, "out_shape": {batch_dim, time, heads}},
    "b": {"class": "x", "in_dim": @second@, "axes": {time: heads}, "out_type": Data("d", dims=[batch_dim, time])},
    "f": {"class": "eval", "eval": by_dim},
}

def algo(idx, net_dict):
    if idx > 1:
        return None
    made = SpatialDim("made")
    net_dict["a"]["made"] = made
    net_dict["b"]["made"] = made if idx == 0 else SpatialDim("made")
    return net_dict

pretrain = {"construction_algo": algo}
"""


@pytest.fixture
def load(tmp_path):
    def load(second="time"):
        return load_config(write(tmp_path, CONFIG.replace("@second@", second)))

    return load


def test_axes_of_one_name_differ_and_equal_derivations_are_equal():
    one, two = SpatialDim("time"), SpatialDim("time")
    assert one != two
    assert one * 2 == one * 2 != two * 2
    assert one + 1 != 1 + one
    assert (one + FeatureDim("f", 3)).derivation[0] == "+"
    assert FeatureDim("f", 3) * 2 != FeatureDim("f", 3) * 2
    assert (FeatureDim("f", 3) * 2).dimension == 6
    assert Dim(kind=Dim.Types.Batch, name="mine") == batch_dim
    assert len({one, two, one * 2, one * 2}) == 3


def test_a_network_has_the_same_digest_whenever_its_config_is_read(load):
    one, two = load().network, load().network
    assert one["a"]["in_dim"] is not two["a"]["in_dim"]
    assert digest(one) == digest(two) == digest({name: one[name] for name in reversed(one)})
    assert not changes(one, two)


def test_a_digest_depends_on_which_axes_are_equal(load):
    same, other = load("time").network, load("other_time").network
    assert digest(same) != digest(other)
    assert not same_value(same, other)
    assert [*changes(same, other).changed] == ["b"]


def test_an_algo_creates_the_same_axes_at_each_index_and_in_each_call(load):
    phases, again = load().plan().phases, load().plan().phases
    assert len(phases) == 3
    assert phases[0].network["a"] is phases[1].network["a"]
    assert [*changes(phases[0].network, phases[1].network).changed] == ["b"]
    assert [digest(phase.network) for phase in phases] == [digest(phase.network) for phase in again]
    assert phases[1].network["a"]["made"] != phases[1].network["b"]["made"]


def test_equal_networks_with_equal_new_axes_are_one_phase(tmp_path):
    text = """
from returnn.tf.util.data import SpatialDim
num_epochs = 3
network = {"a": {"class": "x"}}
def algo(idx, net_dict):
    if idx > 1:
        return None
    net_dict["a"]["out_dim"] = SpatialDim("out")
    return net_dict
pretrain = {"construction_algo": algo}
"""
    assert [phase.indices for phase in load_config(write(tmp_path, text)).plan().phases] == [(0, 1), (None,)]


WORKER = """
import json, sys
from boulder.schedule.canonical import canonical
from boulder.schedule.functions import restore
plain, functions = json.load(sys.stdin)
network = restore(plain, functions)
a, b = network["a"], network["b"]
assert a["in_dim"] != b["in_dim"] and a["out_dim"] == a["in_dim"] + 1 and b["axes"][a["in_dim"]].dimension == 4
assert network["f"]["eval"](None) == a["in_dim"] and b["out_type"].dims[0].is_batch_dim()
print(json.dumps([canonical(network) == plain, "tensorflow" in sys.modules]))
"""


def test_axes_are_restored_in_a_worker(load):
    plain = canonical(load("other_time").network, functions := {})
    text = json.dumps([plain, functions])
    done = subprocess.run([sys.executable, "-c", WORKER], input=text, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [True, False]


def test_the_plain_form_of_axes_is_stable(load):
    plain = canonical(load("other_time").network)
    time = {"#value": "boulder.returnn.provided.dims:Dim", "of": {"kind": "spatial", "name": "time", "size": None}}
    assert plain["a"]["in_dim"] == time
    assert plain["b"]["in_dim"] == {**time, "of": {**time["of"], "number": 1}}
    assert plain["a"]["out_dim"]["of"] == {
        "kind": "spatial", "name": "(time+1)", "size": None, "derivation": ["+", time, 1],
    }  # fmt: skip
    assert plain["b"]["out_type"]["#value"] == "boulder.returnn.provided.dims:Data"


def test_pickled_axes_are_equal():
    dims = [SpatialDim("time"), SpatialDim("time"), SpatialDim("x") + 1, FeatureDim("f", 3), batch_dim]
    for dim in dims:
        assert pickle.loads(cloudpickle.dumps(dim)) == dim
        assert restore(canonical(dim)) == dim
    assert pickle.loads(cloudpickle.dumps(Data("d", dims=dims))) == Data("d", dims=dims)


def test_only_values_of_boulders_classes_are_restored():
    with pytest.raises(ConfigError, match=r"found a value of 'os:system', expected one of Boulder's classes"):
        restore({"#value": "os:system", "of": "true"})


def test_the_plan_is_printed_as_json(load, tmp_path, monkeypatch):
    from rich.console import Console

    from jobs.commands.show_plan import show_plan

    load()
    printed = []
    monkeypatch.setattr("builtins.print", lambda text, **_: printed.append(text))
    show_plan(str(tmp_path / "returnn.config"), Console(), as_json=True)
    (plan,) = json.loads(printed[0])
    assert plan["phases"][0]["network"]["a"]["in_dim"]["of"]["name"] == "time"


def test_copies_and_declared_equalities():
    model, other = FeatureDim("model", 4), FeatureDim("other", 4)
    first = model.copy(match_priority=1)
    assert first != model == first.without_priority() == restore(canonical(first)).without_priority()
    assert model.copy(same_as_self=False) != model == model.copy()
    other.declare_same_as(model)
    assert len({other, model}) == 1
    assert digest([other]) == digest([model])
    assert other.get_same_base() is model == pickle.loads(pickle.dumps(other))


def test_sizes_of_derived_axes():
    f = FeatureDim("f", 6)
    sizes = [
        dim.dimension for dim in (2 * f, f + 1, 1 + f, f - 2, f.sub_left(2), f // 4, f.ceildiv_right(4), f * f, -f)
    ]
    assert sizes == [12, 7, 7, 4, 4, 1, 2, 36, -6]
    assert (f.get_dim_value(), f.is_feature_dim(), f.is_spatial_dim(), f.is_dynamic()) == (6, True, False, False)
    with pytest.raises(ConfigError, match=r"Dim\('t'.*\) has no size while a network is planned"):
        SpatialDim("t").get_dim_value()


def test_marked_axes_travel():
    marked = [ImplicitSparseDim(FeatureDim("f", 3)), ImplicitDynSizeDim(SpatialDim("t")), OptionalDim(SpatialDim("t"))]
    assert restore(canonical(marked)) == marked
    assert len({*marked, *marked}) == 3
    assert marked[1] != marked[2] != marked[2].tag
