"""`bert2bert`: as `net2wider`, with the weights of the next layer for replicas; `stack` of residual blocks."""

import numpy as np

from boulder.network import describe
from boulder.training.growth import GrowthOptions, grow
from tests.training.blocks import BLOCKS, Widths, encoder
from tests.training.preserved import EXTERN_DATA, fresh, trained

NARROW, WIDE = Widths(), Widths(model=8, inner=6, heads=4)


def grown(old_net: dict, new_net: dict, mode: str):
    old, new = describe(old_net, EXTERN_DATA), describe(new_net, EXTERN_DATA)
    values = trained(old)
    options = GrowthOptions(network=new, old_network=old, seed=1)
    return values, *grow(values, old.params, new.params, fresh, mode, options)


def test_replicas_take_the_weights_of_the_next_layer():
    transformer = BLOCKS[1]
    nets = encoder([transformer] * 2, NARROW), encoder([transformer] * 2, WIDE)
    old, new, report = grown(*nets, "bert2bert")
    _, preserving, _ = grown(*nets, "net2wider")
    assert report.initialised == report.dropped == []
    columns = new["block0_ff1/W"]
    assert (columns[:, :3] == preserving["block0_ff1/W"][:, :3]).all()
    following = preserving["block1_ff1/W"]
    for column in range(3, 6):  # the same units as net2wider, of the next block
        same = (preserving["block0_ff1/W"][:, :3] == preserving["block0_ff1/W"][:, [column]]).all(axis=0)
        assert (columns[:, column] == following[:, same.argmax()]).all()
    assert (new["block0_ff_ln/scale"][4:] == old["block1_ff_ln/scale"]).all()
    for path in new:  # the last block and layers without a number have no next layer
        if not path.startswith("block0"):
            assert (new[path] == preserving[path]).all(), path


def test_stacked_blocks_copy_the_trained_blocks_and_their_readers_find_them():
    transformer = BLOCKS[1]
    old, new, report = grown(encoder([transformer] * 2, NARROW), encoder([transformer] * 4, NARROW), "stack")
    for path, value in new.items():
        trained_path = path.replace("block2", "block0").replace("block3", "block1")
        assert (value == old[trained_path]).all(), path
    assert report.initialised == report.dropped == []


def test_stacked_conformer_blocks_are_told_from_the_modules_in_them():
    conformer = BLOCKS[3]
    old, new, report = grown(encoder([conformer], NARROW), encoder([conformer] * 2, NARROW), "stack")
    assert report.initialised == []
    assert (new["block1_ffmod_1_ff1/W"] == old["block0_ffmod_1_ff1/W"]).all()
    assert (new["block1_ffmod_2_ff1/W"] == old["block0_ffmod_2_ff1/W"]).all()
    assert np.any(new["block1_ffmod_1_ff1/W"] != new["block1_ffmod_2_ff1/W"])
