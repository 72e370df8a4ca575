"""The mean of checkpoints."""

from dataclasses import replace

import numpy as np
import pytest

from boulder.errors import CheckpointError
from boulder.network import describe
from boulder.training.averaging import average_checkpoints
from boulder.training.checkpoint import Checkpoint
from tests.tiny import EXTERN_DATA, network


def checkpoint(epoch: int, width: int = 4, dropout: float = 0.0, value: float | None = None) -> Checkpoint:
    net = network(1, width, dropout)
    specs = describe(net, EXTERN_DATA).params
    random = np.random.default_rng(epoch)
    params = {
        path: (random.normal(size=spec.shape) if value is None else np.full(spec.shape, value)).astype("float32")
        for path, spec in specs.items()
    }
    slots = {"m": params}
    return Checkpoint(epoch, 10 * epoch, 1, 0, net, specs, params, slots, iterations=3, history=[{"epoch": epoch}])


@pytest.fixture
def save(tmp_path):
    """:return: function (checkpoint, name) → path"""

    def saved(state: Checkpoint, name: str | None = None):
        state.save(tmp_path / (name or f"{state.epoch}.h5"))
        return tmp_path / (name or f"{state.epoch}.h5")

    return saved


def test_the_mean_is_that_of_float64_and_belongs_to_the_last_epoch(save):
    states = [checkpoint(epoch) for epoch in (3, 1, 2)]
    states[0].earlier = {2: states[2].params}
    paths = [save(state) for state in states]
    average = average_checkpoints(paths)
    for path, value in average.params.items():
        expected = np.mean([state.params[path].astype("float64") for state in states], axis=0).astype("float32")
        np.testing.assert_allclose(value, expected, rtol=1e-6)
        assert value.dtype == np.float32
    assert (average.epoch, average.step, average.history, average.slots, average.earlier) == (
        3,
        30,
        [{"epoch": 3}],
        {},
        {},
    )
    assert average_checkpoints(paths[::-1]).checksum == average.checksum


def test_large_and_small_values_are_summed_without_loss(save):
    paths = [save(checkpoint(1, value=1e8)), save(checkpoint(2, value=1.0)), save(checkpoint(3, value=-1e8))]
    value = average_checkpoints(paths).params["output/b"][0]
    assert value == np.float32(1 / 3)


def test_one_checkpoint_is_its_own_mean_and_counts_once(save):
    state = checkpoint(1)
    paths = [save(state, name) for name in ("a.h5", "b.h5")]
    average = average_checkpoints(paths)
    assert all((average.params[path] == state.params[path]).all() for path in state.params)


def test_different_networks_are_refused_naming_what_differs(save):
    with pytest.raises(
        CheckpointError,
        match=r"1.h5 is of another network than .*2.h5: 'bw0/rec/W' is float32 \[4, 20\], expected float32 \[4, 16\]",
    ):
        average_checkpoints([save(checkpoint(1, width=5)), save(checkpoint(2))])
    with pytest.raises(CheckpointError, match=r"its network differs: .*dropout"):
        average_checkpoints([save(checkpoint(1, dropout=0.5)), save(checkpoint(2))])


def test_other_wrong_checkpoints_are_refused(save, tmp_path):
    with pytest.raises(CheckpointError, match="found none, expected at least one"):
        average_checkpoints([])
    with pytest.raises(CheckpointError, match="no such file"):
        average_checkpoints([tmp_path / "no.h5"])
    with pytest.raises(CheckpointError, match=r"a.h5 and .*b.h5 are both of epoch 1, and differ"):
        average_checkpoints([save(checkpoint(1), "a.h5"), save(checkpoint(1, value=0.0), "b.h5")])
    unfinished = replace(checkpoint(2), position={"batch": 1, "sums": {}})
    with pytest.raises(CheckpointError, match=r"2.h5 is of an unfinished epoch 2"):
        average_checkpoints([save(checkpoint(1)), save(unfinished)])
