"""`ema`: moving averages of the parameters, their growth, resumes, and what uses them."""

import numpy as np
import pytest

from boulder.errors import ConfigError
from boulder.network import describe
from boulder.training import TrainingOptions, TrainingPhase
from boulder.training.averaging import average_checkpoints
from boulder.training.checkpoint import Checkpoint
from boulder.training.growth import begin_phase, grow_averages
from boulder.training.growth.old_network import OldNetwork
from boulder.training.scores import read_scores
from boulder.training.starting.parameter_file import boulder_parameters
from tests.tiny import EXTERN_DATA, network, phase

SGD = {"optimizer": {"class": "sgd"}}
LINEAR = {
    "embedding": {"class": "linear", "n_out": 3, "trainable": False},
    "output": {"class": "softmax", "from": "embedding", "loss": "ce"},
}


def test_a_is_d_a_plus_1_minus_d_w_after_each_update_of_the_optimizer(training, tmp_path):
    options = {"ema": 0.75, "accum_grad_multiple_step": 2, "max_seqs": 40, "batch_size": 1000, **SGD}
    begun = training([phase(0, range(1, 2), LINEAR, **options)], "1")  # one batch, and no update yet
    expected = begun.params["output/W"]
    np.testing.assert_array_equal(begun.averages["output/W"], expected)
    for epoch in range(2, 6):
        part = phase(0, range(epoch, epoch + 1), LINEAR, **options) | {"start": 1}
        ended = training([part], f"{epoch}", previous=tmp_path / f"{epoch - 1}/checkpoint.h5")
        if epoch % 2 == 0:
            expected = 0.75 * expected + 0.25 * ended.params["output/W"]
        np.testing.assert_allclose(ended.averages["output/W"], expected, rtol=0, atol=1e-7)
    assert (ended.averages["output/W"] != ended.params["output/W"]).any()
    np.testing.assert_array_equal(ended.averages["embedding/W"], ended.params["embedding/W"])


def test_data_is_scored_with_the_averages_unless_the_option_is_off(training, tmp_path):
    plain = training([phase(0, range(1, 3), LINEAR)], "plain")
    beside = training([phase(0, range(1, 3), LINEAR, ema=0.9, ema_in_scores=False)], "beside")
    assert beside.history == plain.history
    for path, value in plain.params.items():
        np.testing.assert_array_equal(beside.params[path], value)
    averaged = training([phase(0, range(1, 3), LINEAR, ema=0.9)], "averaged")
    assert [record["train"] for record in averaged.history] == [record["train"] for record in plain.history]
    assert averaged.history[-1]["dev"] != plain.history[-1]["dev"]
    as_params = phase(0, range(3, 4), LINEAR) | {
        "start": 1,
        "learning_rate_control": {"class": "scheduled", "first_epoch": 3, "rates": [0.0]},
    }
    averaged.for_inference().save(tmp_path / "as_params.h5")
    training([as_params], "again", previous=tmp_path / "as_params.h5")
    assert read_scores(tmp_path / "again/scores.jsonl")[0]["dev"] == pytest.approx(
        averaged.history[-1]["dev"], rel=1e-6
    )


@pytest.mark.slow
def test_a_training_that_grows_ends_in_the_same_bits_when_it_was_killed(training, tmp_path, stop_at):
    phases = [
        phase(0, range(1, 3), network(1, 4), ema=0.9),
        phase(1, range(3, 5), network(2, 6), ema=0.9, accum_grad_multiple_step=2),
    ]
    whole = training(phases, "whole")
    assert whole.averages.keys() == whole.params.keys()
    for batches in (3, 20):
        stop_at(batches)
        with pytest.raises(SystemExit):
            training(phases, "stopped")
    training(phases, "stopped")
    assert (tmp_path / "whole/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()
    training(phases[:1], "first")
    training(phases[1:], "second", previous=tmp_path / "first/checkpoint.h5")
    assert Checkpoint.load(tmp_path / "second/checkpoint.h5").checksum == whole.checksum


@pytest.mark.parametrize("mode", ["subset", "net2wider", "ifpossible", "reset"])
def test_averages_grow_as_their_parameters_and_new_entries_begin_with_the_parameter(mode):
    old, new = (
        {
            "hidden": {"class": "linear", "activation": "relu", "n_out": n},
            "output": {"class": "softmax", "from": "hidden", "n_out": 5},
        }
        for n in (3, 5)
    )
    specs = [describe(net | {"output": net["output"] | {"loss": "ce"}}, EXTERN_DATA) for net in (old, new)]
    random = np.random.default_rng(3)
    values, averages = (
        {p: random.normal(size=s.shape).astype("float32") for p, s in specs[0].params.items()} for _ in range(2)
    )
    part = {"train": ["train.hdf"], "copy_param_mode": mode}
    grows = TrainingPhase.from_json(phase(1, range(2, 3), new) | part)
    before = OldNetwork(specs[0])

    def fresh(spec):
        return np.full(spec.shape, 7, "float32")

    begun = begin_phase(grows, specs[1], values, specs[0].params, fresh, 0, before)
    grown = grow_averages(averages, begun, specs[1].params, mode)
    as_parameters = begin_phase(grows, specs[1], averages, specs[0].params, fresh, 0, before)
    for path, value in as_parameters.params.items():
        np.testing.assert_array_equal(grown[path], value)
    without = grow_averages({}, begun, specs[1].params, mode)
    for path, value in begun.params.items():
        np.testing.assert_array_equal(without[path], value)


def test_searches_exports_starts_and_averages_of_checkpoints_use_the_averages(tmp_path):
    spec = describe(LINEAR, EXTERN_DATA)
    params = {path: np.ones(param.shape, "float32") for path, param in spec.params.items()}
    for epoch in (1, 2):
        averages = {path: epoch * value for path, value in params.items()}
        state = Checkpoint(epoch, epoch, 1, 0, LINEAR, spec.params, params, averages=averages)
        state.save(tmp_path / f"{epoch}.h5")
    loaded = Checkpoint.load(tmp_path / "2.h5")
    assert loaded.checksum == state.checksum
    assert (loaded.for_inference().params["output/W"] == 2).all()
    assert (boulder_parameters(tmp_path / "2.h5").read("output/W") == 2).all()
    mean = average_checkpoints([tmp_path / "1.h5", tmp_path / "2.h5"])
    assert (mean.params["output/W"] == 1.5).all()
    assert not mean.averages


@pytest.mark.parametrize("value", [1.0, -0.1, True, "0.9"])
def test_a_wrong_decay_is_refused(value):
    with pytest.raises(ConfigError, match="'ema' must be a number from 0 to below 1, found"):
        TrainingOptions.from_config({"ema": value})
