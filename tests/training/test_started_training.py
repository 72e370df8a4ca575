"""Training from an imported checkpoint: it begins with its parameters and a new optimizer, and resumes bit by bit."""

import numpy as np
import pytest

from boulder.network import describe
from boulder.training.starting import starting_checkpoint
from tests.tiny import EXTERN_DATA, network, phase


@pytest.fixture
def imported(tmp_path):
    """:return: function (epoch) → path of an imported checkpoint of the first phase"""

    def make(epoch: int = 0) -> str:
        net = network(1, 4)
        options = {"epoch": epoch, "phase_start": 1, "index": 0, "random_seed": 9}
        checkpoint, _ = starting_checkpoint([], net, describe(net, EXTERN_DATA), **options)
        checkpoint.save(tmp_path / f"start{epoch}.h5")
        return str(tmp_path / f"start{epoch}.h5")

    return make


PHASES = [phase(0, range(1, 3), network(1, 4, dropout=0.2)), phase(1, range(3, 4), network(1, 6, dropout=0.2))]


@pytest.mark.long
def test_it_starts_from_the_parameters_and_resumes_bit_by_bit(training, imported, stop_at, tmp_path):
    start = imported()
    lines: list[str] = []
    whole = training(PHASES, "whole", previous=start, say=lines.append)
    assert lines[0].startswith("phase of epochs 1–2 (index 0): starting with the parameters of the imported checkpoint")
    assert training(PHASES, "fresh").checksum != whole.checksum
    stop_at(3)
    with pytest.raises(SystemExit):
        training(PHASES, "stopped", previous=start)
    assert training(PHASES, "stopped", previous=start).checksum == whole.checksum
    training(PHASES[:1], "first", previous=start)
    second = training(PHASES[1:], "second", previous=tmp_path / "first/checkpoint.h5")
    assert second.checksum == whole.checksum


def test_it_continues_after_an_epoch_also_where_the_network_grows(training, imported):
    within = training([PHASES[0] | {"first_epoch": 2, "learning_rate_control": PHASES[1]["learning_rate_control"] | {"first_epoch": 2}}],
                      "within", previous=imported(1))  # fmt: skip
    assert [record["epoch"] for record in within.history] == [2]
    growing = PHASES[1] | {"carry_optimizer": "grow"}
    border = training([growing], "border", previous=imported(2))
    assert [record["epoch"] for record in border.history] == [3]
    assert np.isfinite(border.params["output/W"]).all()
