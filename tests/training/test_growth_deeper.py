"""`deepen`: new layers between old ones start as the identity, or are an error with the reason."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import ConfigError
from boulder.network import describe
from boulder.training.growth import GrowthOptions, plan_growth
from tests.training.preserved import (
    CHANGES,
    EXTERN_DATA,
    FEW,
    NOISE,
    blstm,
    check_is_preserved,
    hidden,
    linear,
    refused,
)


@FEW
@given(st.integers(1, 4), st.integers(0, 3), st.sampled_from([None, "relu"]), st.integers(1, 3), NOISE)
def test_law_new_linear_layers_start_as_the_identity(width, wider, activation, count, noise):
    """Linear layers after a BLSTM, relu layers after a relu layer; the network may get wider at the same time."""
    first = {"first": {"class": "linear", "activation": "relu", "n_out": 5}}

    def new(n):
        return {f"new{i}": {"class": "linear", "activation": activation, "n_out": n} for i in range(count)}

    hidden = (first, first | new(5)) if activation else ({}, new(2 * (width + wider)))
    old_net, new_net = blstm([width], hidden=hidden[0]), blstm([width + wider], hidden=hidden[1])
    values, report = check_is_preserved(old_net, new_net, "deepen", noise=noise)
    assert report.identity == report.initialised == [f"new{i}/{name}" for i in range(count) for name in "Wb"]
    assert (values["new0/W"] == np.eye(len(values["new0/W"]))).all()


def test_the_identity_keeps_the_order_of_its_sources():
    new_net = blstm([2], hidden={"new": {"class": "linear", "n_out": 4}})
    new_net["new"]["from"] = ["bw0", "fw0"]
    check_is_preserved(blstm([2]), new_net, "deepen")


@FEW
@given(st.integers(1, 4), st.integers(0, 3), st.sampled_from([None, "tanh", "gelu"]), NOISE)
def test_law_a_new_residual_block_starts_as_the_identity(width, wider, activation, noise):
    def net(width, blocks):
        net = blstm([width])
        source = "both"
        net[source] = {"class": "copy", "from": ["fw0", "bw0"]}
        for i in range(blocks):
            net[f"up{i}"] = linear(source, 3, "relu")
            net[f"down{i}"] = linear(f"up{i}", 2 * width, activation)
            net[f"add{i}"] = {"class": "combine", "kind": "add", "from": [source, f"down{i}"]}
            source = f"add{i}"
        return net | {"output": net["output"] | {"from": source}}

    values, report = check_is_preserved(net(width, 0), net(width + wider, 2), "deepen", noise=noise)
    assert report.identity == [f"down{i}/{name}" for i in range(2) for name in "Wb"]
    assert set(report.initialised) == {*report.identity, *(f"up{i}/{name}" for i in range(2) for name in "Wb")}
    assert values["up0/W"].any()
    if not wider:
        check_is_preserved(net(width, 1), net(width, 2), "deepen")


def test_relu_is_the_identity_if_its_source_is_never_negative():
    old = blstm([2], hidden=hidden(3, "sigmoid"))
    new = blstm([2], hidden=hidden(3, "sigmoid") | {"again": {"class": "activation", "activation": "relu"}})
    new["again"]["from"] = "h"
    check_is_preserved(old, new, "deepen")


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        ({"class": "linear", "n_out": 3}, "it has 4 inputs and 3 outputs"),
        (
            {"class": "linear", "n_out": 4, "activation": "tanh"},
            "its activation is 'tanh'; only relu can be the identity, if its source is never negative",
        ),
        (
            {"class": "linear", "n_out": 4, "activation": "relu"},
            "its activation is 'relu', and its source 'fw0' may be negative",
        ),
        (
            {"class": "softmax", "n_out": 4},
            "its activation is 'softmax'; only relu can be the identity, if its source is never negative",
        ),
        ({"class": "layer_norm"}, "'fw0' is not normalized already"),
        ({"class": "rec", "n_out": 4}, "an LSTM's output is bounded by its gates"),
        (
            {"class": "activation", "activation": "relu"},
            "its activation is 'relu', and its source 'fw0' may be negative",
        ),
        ({"class": "combine", "kind": "mul"}, "only linear, activation, layer_norm, subnetwork and combine (add) can"),
        (
            {"class": "combine", "kind": "add"},
            "it adds 'fw0' and 'bw0', but all except one of its sources must be new branches that end in layer_norm, batch_norm, or "
            "linear or conv with one of the activations 'identity', 'none', 'tanh', 'elu', 'selu', 'gelu', 'swish', 'silu' or none",
        ),
    ],
)
def test_a_layer_that_cannot_be_the_identity_is_an_error_with_the_reason(layer, why):
    found = refused(blstm([2]), blstm([2], hidden={"new": layer}), "deepen")
    assert found == f"growth by deepen: layer 'new' ({layer['class']}) cannot start as the identity: {why}" + CHANGES


@pytest.mark.parametrize("mode", ["net2wider", "deepen"])
def test_a_preserving_mode_needs_both_networks(mode):
    old, new = (describe(net, EXTERN_DATA) for net in (blstm([2]), blstm([3])))
    for options, which in (({"network": new}, "before"), ({"old_network": old}, "after")):
        with pytest.raises(ConfigError, match=f"growth by {mode}: '{mode}' needs the network {which} the growth"):
            plan_growth(old.params, new.params, mode, GrowthOptions(**options))


def test_deepen_without_new_layers_is_net2wider():
    check_is_preserved(blstm([2, 1]), blstm([3, 4]), "deepen")
