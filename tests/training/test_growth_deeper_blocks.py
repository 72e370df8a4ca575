"""`deepen` of residual blocks: new blocks of today's networks start as the identity."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.network import describe
from boulder.training.growth import GrowthOptions, grow
from tests.conformer import add, linear
from tests.training import test_growth_of_generated_networks as generated
from tests.training.blocks import BLOCKS, CTC, Widths, encoder
from tests.training.preserved import CHANGES, NOISE, check_is_preserved, fresh, refused, trained

NARROW = Widths()


@pytest.mark.parametrize("make", BLOCKS, ids=lambda make: make.__name__)
def test_new_blocks_start_as_the_identity(make):
    """Two blocks after the last one, in a network that gets wider at the same time."""
    wide = replace(NARROW, model=8, inner=5)
    values, report = check_is_preserved(encoder([make], NARROW), encoder([make] * 3, wide), "deepen", noise=0.5)
    assert report.dropped == []
    new = [path for path in values if path.startswith(("block1", "block2"))]
    assert {*report.identity} <= {*new, *(path for path in values if path.startswith("block0/"))}
    assert any(np.any(values[path]) for path in set(new) - set(report.identity))


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=2), st.data(), NOISE)
def test_law_new_blocks_anywhere_start_as_the_identity(blocks, data, noise):
    """New blocks of any kind before, between or after the old ones, as far as a normalization allows it."""
    new = data.draw(st.sampled_from(BLOCKS[:3]))
    at = data.draw(st.integers(0, len(blocks)))
    old_net = encoder(blocks, NARROW)
    net, source = {"in": old_net["in"]}, "in"
    for number, make in enumerate([*blocks, None]):
        # the relu of a ResNet's block needs values that are never negative
        if number == at and (new is not BLOCKS[0] or (number and blocks[number - 1] is BLOCKS[0])):
            net |= new("new", source, NARROW)
            source = "new"
        if make:
            net |= make(f"block{number}", source, NARROW)
            source = f"block{number}"
    check_is_preserved(old_net, net | {"output": CTC | {"from": source}}, "deepen", noise=noise)


def test_the_scale_of_a_norm_moves_to_the_new_last_norm():
    conformer = BLOCKS[3]
    values, report = check_is_preserved(encoder([conformer], NARROW), encoder([conformer] * 3, NARROW), "deepen")
    old = trained(describe(encoder([conformer], NARROW), {"x": {"dim": 3}, "classes": {"dim": 5, "sparse": True}}))
    for block in ("block0", "block1"):
        assert (values[f"{block}/scale"] == 1).all()
        assert (values[f"{block}/bias"] == 0).all()
    assert (values["block2/scale"] == old["block0/scale"]).all()
    assert report.taken_from["block2/bias"] == "block0"


def test_a_norm_that_old_layers_read_as_well_keeps_its_scale():
    def net(deep: bool) -> dict:
        layers = {
            "h": linear("data:x", 3),
            "norm": {"class": "layer_norm", "from": "h"},
            "again": {"class": "layer_norm", "from": "norm"},
            "side": linear("norm", 2),
        }
        if not deep:
            del layers["again"]
        return layers | {"output": CTC | {"from": ["again" if deep else "norm", "side"]}}

    assert refused(net(False), net(True), "deepen") == (
        "growth by deepen: layer 'again' (layer_norm) cannot start as the identity: it takes the scale of 'norm', which old layers "
        f"read as well{CHANGES}"
    )


def test_a_new_branch_that_shares_its_parameters_with_an_old_layer_is_an_error():
    def net(deep: bool) -> dict:
        layers = {"h": linear("data:x", 3), "p": linear("h", 3)}
        if deep:
            layers |= {"q": linear("p", 3) | {"reuse_params": "p"}, "sum": add("p", "q")}
        return layers | {"output": CTC | {"from": "sum" if deep else "p"}}

    assert "it adds 'p' and 'q', but all except one of its sources must be new" in refused(
        net(False), net(True), "deepen"
    )


@pytest.mark.parametrize("kind", ["feed-forward", pytest.param("self-attention", marks=pytest.mark.slow)])
def test_new_modules_of_variables_start_as_the_identity(kind):
    old_net = generated.net("feed-forward", 4)
    model = old_net["x"]["subnetwork"]["output"]["out_shape"] - generated.AXES
    (model,) = model
    new = {
        "feed-forward": lambda: generated.feed_forward("x", model, generated.AXES),
        "self-attention": lambda: generated.self_attention(
            "x", generated.TIME, model, generated.SpatialDim("heads", 2)
        ),
    }[kind]()
    new_net = old_net | {"y": new, "output": old_net["output"] | {"from": "y"}}
    specs = [describe(net, generated.EXTERN_DATA) for net in (old_net, new_net)]
    before = trained(specs[0])
    options = GrowthOptions(network=specs[1], old_network=specs[0])
    after, report = grow(before, specs[0].params, specs[1].params, fresh, "deepen", options)
    assert report.identity == ["y/out/weight/param", "y/out/bias/param"]
    np.testing.assert_allclose(generated.output(specs[1], after), generated.output(specs[0], before), rtol=1e-5)


def test_lemon_copies_trained_blocks_apart_from_the_ends_of_new_branches():
    transformer = BLOCKS[1]
    wide = replace(NARROW, model=8, inner=5)
    values, report = check_is_preserved(encoder([transformer] * 2, NARROW), encoder([transformer] * 4, wide), "lemon")
    for block, trained_block in (("block2", "block0"), ("block3", "block1")):
        for name in ("ln/scale", "att/QKV", "ff_ln/bias", "ff1/W"):
            path = f"{block}_{name}"
            assert (values[path] == values[f"{trained_block}_{name}"]).all()
            assert report.taken_from[path].startswith(trained_block)
        assert not values[f"{block}_p/W"].any()
        assert not values[f"{block}_ff2/W"].any()
    assert set(report.initialised) == set(report.identity)
