"""Losses that RETURNN does not count, since of the layers that they are in: a warning tells so."""

import pytest

from boulder.errors import NetworkError
from boulder.network import describe

EXTERN_DATA = {"data": {"dim": 4}, "classes": {"dim": 3, "sparse": True}}
OUTPUT = {"class": "softmax", "from": "data", "loss": "ce", "target": "classes"}
AUX = OUTPUT | {"loss_scale": 0.5}
LINEAR = {"class": "linear", "from": "data", "n_out": 3}
WITHIN = {"class": "subnetwork", "from": "data", "subnetwork": {"aux": AUX, "output": LINEAR | {"from": "aux"}}}
LOOP = {"class": "rec", "from": "data", "unit": {"output": AUX | {"from": ["data:source", "prev:output"]}}}
TRUE = {"class": "constant", "value": True, "dtype": "bool", "with_batch_dim": False}
MASK = {"class": "compare", "from": "data:classes", "kind": "not_equal", "value": 0}
FRAMES = {"class": "reinterpret_data", "from": "data", "size_base": "data:classes"}


def cond(branch: dict, source: str = "data") -> dict:
    net = {"true": TRUE, "c": {"class": "cond", "condition": "true", "true_layer": branch, "false_layer": LINEAR}}
    return net | {"output": OUTPUT | {"from": ["c", source]}}


def masked(unit: dict, **options) -> dict:
    m = {"class": "masked_computation", "from": "frames", "mask": "mask", "unit": unit, **options}
    return {"frames": FRAMES, "mask": MASK, "m": m, "output": OUTPUT | {"from": "u"}, "u": {"class": "unmask", "from": "m", "mask": "mask"}}  # fmt: skip


def in_loop(layers: dict, **options) -> dict:
    unit = {
        "emit": MASK | {"from": "prev:output"},
        "output": {"class": "choice", "from": "p", "target": "classes", "beam_size": 2},
    }
    unit |= {"p": OUTPUT | {"from": ["data:source", "x"]}, "e": LINEAR | {"from": "prev:output"}} | layers
    return {
        "frames": FRAMES,
        "output": {"class": "rec", "from": "frames", "target": "classes", "unit": unit, **options},
    }


KEPT = {"optimize_move_layers_out": False}
MOVE_IN = "since it is in a 'subnetwork' as the unit of a masked computation; move the layer out of it, or the loss to the layer"
MASKED_IN_LOOP = {"x": {"class": "masked_computation", "from": "e", "mask": "emit", "unit": WITHIN}}
COND_IN_LOOP = {
    "x": {
        "class": "cond",
        "condition": "base:true",
        "true_layer": WITHIN | {"from": "e"},
        "false_layer": LINEAR | {"from": "e"},
    }
}
CASES = {
    "a branch": (cond(AUX), "layer 'c/true_layer' (softmax)", "since it is in a branch of 'cond'; move the loss to the layer 'cond' itself"),
    "within a branch": (cond(WITHIN), "layer 'c/true_layer/subnetwork/aux' (softmax)", "since it is in a branch of 'cond'"),
    "a loop in a branch": (cond(LOOP), "layer 'c/:true_layer/output'", "since it is in a branch of 'cond'; move the layer out of 'cond'"),
    "within a unit": (masked(WITHIN), "layer 'm/unit/subnetwork/aux' (softmax)", MOVE_IN),
    "within a unit in a loop": (in_loop(MASKED_IN_LOOP, **KEPT), "layer 'output/unit/x/unit/subnetwork/aux' (softmax)", MOVE_IN),
    "within a unit, moved out of a loop": (in_loop(MASKED_IN_LOOP), "layer 'output/unit/x/unit/subnetwork/aux' (softmax)", MOVE_IN),
    "within a branch in a loop": (
        {"true": TRUE} | in_loop(COND_IN_LOOP, **KEPT), "layer 'output/unit/x/true_layer/subnetwork/aux' (softmax)", "in a branch of 'cond'",
    ),
    "in an extra net": (
        {"sub": WITHIN, "output": OUTPUT | {"from": "sub"}, "extra.more:sub": WITHIN, "extra.more:output": AUX | {"from": "sub"}},
        "layer 'extra.more:sub/subnetwork/aux' (softmax)",
        "since it is in a subnetwork of an extra net; move the layer out of the subnetwork",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_warning_tells_which_loss_does_not_count(name):
    network, where, reason = CASES[name]
    with pytest.warns(UserWarning, match="its loss does not count") as caught:
        spec = describe(network, EXTERN_DATA)
    [message] = {str(warning.message) for warning in caught}
    assert message.startswith(f"{where}: its loss does not count, as in RETURNN, ")
    assert reason in message
    layers = {"in an extra net": ["extra.more:output", "output", "sub/aux"]}
    assert sorted(spec.losses) == layers.get(
        name, ["output/p"] if "loop" in name and name.startswith("within") else ["output"]
    )


def test_the_loss_of_a_unit_is_that_of_the_masked_computation():
    unit = LINEAR | {"n_out": 1, "loss": "as_is", "loss_scale": 0.3}
    losses = describe(masked(unit), EXTERN_DATA).losses
    assert {name: loss.scale for name, loss in losses.items()} == {"m": 0.3, "output": 1.0}
    assert losses["m"].layer == "m"


@pytest.mark.parametrize("options", [{}, KEPT])
def test_the_loss_of_a_unit_in_a_loop_is_refused(options):
    unit = LINEAR | {"n_out": 1, "loss": "as_is"}
    network = in_loop({"x": {"class": "masked_computation", "from": "e", "mask": "emit", "unit": unit}}, **options)
    with pytest.raises(NetworkError) as caught:
        describe(network, EXTERN_DATA)
    assert str(caught.value) == (
        "layer 'output/unit/x/unit' (linear): its loss is not possible in a loop, where RETURNN fails; move it to the layer "
        "'masked_computation' itself"
    )


def test_a_unit_and_its_masked_computation_cannot_both_have_a_loss():
    unit = LINEAR | {"n_out": 1, "loss": "as_is"}
    with pytest.raises(NetworkError, match="has a loss, and its 'unit' has another one; one of them must go"):
        describe(masked(unit, loss="as_is"), EXTERN_DATA)


def test_a_warning_tells_that_operations_beside_a_layer_do_not_run():
    with pytest.warns(UserWarning, match="layer 'output' .softmax.: 'control_dependencies_on_output' is not called"):
        describe({"output": OUTPUT | {"control_dependencies_on_output": lambda layer: []}}, EXTERN_DATA)
