"""Gradients that are clipped to almost nothing change almost nothing, also those of `L2`, as in RETURNN."""

import pytest

from tests.tiny import CONFIG, network, phase

SGD = {"optimizer": {"class": "sgd"}}


@pytest.mark.parametrize("option", ["gradient_clip_norm", "gradient_clip_global_norm", "gradient_clip"])
def test_the_dev_score_stays_the_same(training, option):
    net = network(1, 3)
    net["output"]["L2"] = 0.01
    one = phase(0, range(1, 3), net, **SGD, **{option: 1e-9})
    one["learning_rate_control"] = {"class": "scheduled", "first_epoch": 1, "rates": [0.1, 0.1]}
    clipped = training([one], "clipped")
    assert clipped.step > 4
    first, second = (record["dev"]["cost:output"] for record in clipped.history)
    assert second == pytest.approx(first, abs=1e-6)
    if option == "gradient_clip_norm":
        free = training([one | {"config": CONFIG | SGD}], "free")
        first, second = (record["dev"]["cost:output"] for record in free.history)
        assert abs(second - first) > 1e-3
