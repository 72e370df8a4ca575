"""A reference that lacks one "base:" or several: the message says how many."""

import pytest

from boulder.errors import NetworkError
from boulder.network import describe

EXTERN_DATA = {"data": {"dim": 4}, "classes": {"dim": 3, "sparse": True}}
LINEAR = {"class": "linear", "n_out": 3}
OUTSIDE = {
    "frames": {"class": "reinterpret_data", "from": "data", "size_base": "data:classes"},
    "encoder": LINEAR | {"from": "frames"},
    "true": {"class": "constant", "value": True, "dtype": "bool", "with_batch_dim": False},
}


def reading(name: str) -> dict:
    return LINEAR | {"from": ["data", name]}


def subnetwork(name: str, source: str = "data") -> dict:
    return {"class": "subnetwork", "from": source, "subnetwork": {"output": reading(name)}}


def masked(unit: dict) -> dict:
    return {"class": "masked_computation", "from": "data:source", "mask": "emit", "unit": unit}


def cond(branch: dict) -> dict:
    return {
        "class": "cond",
        "condition": "base:true",
        "true_layer": branch,
        "false_layer": LINEAR | {"from": "data:source"},
    }


MISSING, NONE = "which is no layer of the subnetwork", "which does not exist outside of the subnetwork"
CASES = {
    "a unit": (masked(reading("encoder")), "m/unit", "'encoder', which is no layer of the loop", "base:encoder"),
    "a subnetwork as the unit": (masked(subnetwork("encoder")), "m/unit/subnetwork/output", f"'encoder', {MISSING}", "base:base:encoder"),
    "one level up": (masked(subnetwork("own")), "m/unit/subnetwork/output", f"'own', {MISSING}", "base:own"),
    "one base: too few": (masked(subnetwork("base:encoder")), "m/unit/subnetwork/output", f"'base:encoder', {NONE}", "base:base:encoder"),
    "a branch": (cond(subnetwork("encoder", "data:source")), "m/true_layer/subnetwork/output", f"'encoder', {MISSING}", "base:base:encoder"),
    "a subnetwork": (subnetwork("base:encoder", "own"), "m/subnetwork/output", f"'base:encoder', {NONE}", "base:base:encoder"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_message_names_the_layer_further_out(name):
    layer, path, found, hint = CASES[name]
    unit = {
        "own": LINEAR | {"from": "data:source"},
        "emit": {"class": "compare", "from": "prev:size", "value": 0.0, "kind": "greater"},
        "size": {"class": "reduce", "mode": "sum", "axis": "F", "from": "output"},
        "m": layer,
        "output": LINEAR | {"from": "m"},
    }
    with pytest.raises(NetworkError) as caught:
        describe(OUTSIDE | {"output": {"class": "rec", "from": "frames", "unit": unit}}, EXTERN_DATA)
    assert str(caught.value) == f"layer 'output/unit/{path}' (linear): 'from' names {found}; did you mean '{hint}'?"
