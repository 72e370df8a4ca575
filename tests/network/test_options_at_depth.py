"""A schedule may change the options of a layer at any depth: they hold for the parameters of that layer, and for no others."""

import copy

import pytest

from boulder.errors import NetworkError
from boulder.network import describe
from boulder.training.objective import l2_factors
from boulder.training.param_dropout import param_dropout_rates
from boulder.training.training_options import TrainingOptions
from boulder.training.update.parameter_options import ParameterOptions
from boulder.training.variational_noise import noise_deviations

EXTERN_DATA = {"data": {"dim": 3}, "classes": {"dim": 3, "sparse": True}}


def linear(source="data", **options):
    return {"class": "linear", "from": source, "n_out": 3, "activation": "tanh", **options}


def sub(source="data", **layers):
    return {"class": "subnetwork", "from": source, "subnetwork": {"x": linear(), "output": linear("x")} | layers}


def masked(unit, source):
    return {"class": "masked_computation", "mask": "mask", "from": source, "unit": unit}


MASK = {
    "sum": {"class": "reduce", "mode": "sum", "axes": "F", "from": "data"},
    "mask": {"class": "compare", "from": "sum", "kind": "greater", "value": 0},
}
IN_LOOP = {"class": "reduce", "mode": "sum", "axes": "F", "from": "prev:output"}
NETWORK = {
    **MASK,
    "top": linear(),
    "sub": sub("top", inner=sub("x"), output=linear("inner")),
    "masked": masked(sub(), "sub"),
    "whole": {"class": "unmask", "from": "masked", "mask": "mask"},
    "one": {"class": "constant", "value": 1.0},
    "is": {"class": "compare", "from": "one", "value": 0.0},
    "cond": {"class": "cond", "condition": "is", "true_layer": sub("whole"), "false_layer": linear("whole")},
    "loop": {
        "class": "rec", "from": "cond",
        "unit": {
            "sum": IN_LOOP, "mask": MASK["mask"],
            "sub": sub("data:source"),
            "masked": masked(sub(), "sub"),
            "output": linear(["masked", "prev:output"]),
        },
    },
    "output": {"class": "softmax", "from": "loop", "loss": "ce"},
}  # fmt: skip
PLACES = {
    "top": (("top",), "top"),
    "a subnetwork": (("sub", "subnetwork", "x"), "sub/x"),
    "nested subnetworks": (("sub", "subnetwork", "inner", "subnetwork", "x"), "sub/inner/x"),
    "a masked computation": (("masked", "unit", "subnetwork", "x"), "masked/x"),
    "a loop": (("loop", "unit", "output"), "loop/rec/output"),
    "a subnetwork in a loop": (("loop", "unit", "sub", "subnetwork", "x"), "loop/rec/sub/x"),
    "a masked computation in a loop": (("loop", "unit", "masked", "unit", "subnetwork", "x"), "loop/rec/masked/x"),
    "a branch": (("cond", "true_layer", "subnetwork", "x"), "cond/x"),
}


def changed(path: tuple[str, ...], **options) -> dict:
    """:return: the network with further options of the layer at `path`"""
    network = copy.deepcopy(NETWORK)
    layer = network
    for key in path:
        layer = layer[key]
    layer |= options
    return network


@pytest.mark.parametrize("place", PLACES)
def test_options_of_parameters_hold_for_the_layer_and_no_other(place):
    path, scope = PLACES[place]
    own = {f"{scope}/W", f"{scope}/b"}
    options = {"param_variational_noise": 0.1, "param_dropout": 0.2, "updater_opts": {"learning_rate_multiplier": 0.5}}
    training = TrainingOptions()
    for further in ({"trainable": False}, {} if place == "a branch" else {"L2": 0.3}):
        spec = describe(changed(path, **options, **further), EXTERN_DATA)
        assert {path for path, param in spec.params.items() if not param.trainable} == (
            own if "trainable" in further else set()
        )
        assert noise_deviations(training, spec) == dict.fromkeys(sorted(own), 0.1)
        assert param_dropout_rates(training, spec) == dict.fromkeys(sorted(own), 0.2)
        if "trainable" not in further:
            given = ParameterOptions.of_network(training, spec).own
            assert {path for path, found in given.items() if found} == own
            assert l2_factors(spec) == ({} if place == "a branch" else dict.fromkeys(sorted(own), 0.3))


LOSSES = {"top": ("top",), "sub/inner/x": PLACES["nested subnetworks"][0], "masked": ("masked", "unit")}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_can_be_switched_on_and_off_and_scaled(name):
    path = LOSSES[name]
    for scale in (1.0, 0.0, 0.3):
        network = changed(path, loss="mean_l1", target="data", loss_scale=scale)
        if name == "masked":
            network["masked"]["unit"] = linear(loss="mean_l1", target="data", loss_scale=scale)
        spec = describe(network, EXTERN_DATA)
        assert {key: loss.scale for key, loss in spec.losses.items()} == {"output": 1.0, name: scale}


@pytest.mark.parametrize("holder", ["masked", "cond"])
def test_l2_belongs_to_what_returnn_counts(holder):
    path = ("masked",) if holder == "masked" else ("cond", "false_layer")
    message = {
        "masked": r"layer 'masked' \(masked_computation\): 'L2' must be an option of its 'unit'",
        "cond": r"layer 'cond/false_layer' \(linear\): 'L2' must be an option of the layer 'cond' itself",
    }[holder]
    with pytest.raises(NetworkError, match=message):
        describe(changed(path, L2=0.1), EXTERN_DATA)
