"""The rate of each step: warm-up and `dynamic_learning_rate`."""

import numpy as np
import pytest

from boulder.errors import ConfigError, TrainingError
from boulder.training.epoch_line import describe_record
from boulder.training.learning_rate.within_epoch import StepRates
from boulder.training.scores import read_scores
from boulder.training.training_options import TrainingOptions
from tests.tiny import phase

NETWORK = {"output": {"class": "softmax", "loss": "ce", "from": "data", "target": "classes"}}


def rate(step=0, epoch=1, phase_epoch=1, phase_step=0, **options):
    return StepRates(TrainingOptions.from_config(options), epoch, 0.5, phase_epoch, phase_step).at(step)


def test_without_options_each_step_has_the_rate_of_its_epoch():
    assert [rate(step=step) for step in (0, 1, 1000)] == [0.5] * 3


def test_a_warm_up_rises_to_the_rate_by_epochs_or_steps():
    epochs = {"learning_rate_warmup_num_epochs": 4}
    assert [rate(epoch=epoch, **epochs) for epoch in range(1, 7)] == [0.125, 0.25, 0.375, 0.5, 0.5, 0.5]
    steps = {"learning_rate_warmup_num_steps": 5}
    assert [rate(step=step, **steps) for step in (0, 1, 4, 5, 100)] == [0.1, 0.2, 0.5, 0.5, 0.5]


def test_a_warm_up_begins_anew_with_each_phase_if_asked():
    later = {"phase_epoch": 5, "phase_step": 100}
    epochs = {"learning_rate_warmup_num_epochs": 2}
    steps = {"learning_rate_warmup_num_steps": 4}
    for restart, by_epochs, by_steps in ((False, [0.5, 0.5], [0.5, 0.5]), (True, [0.25, 0.5], [0.125, 0.375])):
        options = {"learning_rate_warmup_restart": restart}
        assert [rate(epoch=epoch, **later, **epochs, **options) for epoch in (5, 6)] == by_epochs
        assert [rate(epoch=5, step=step, **later, **steps, **options) for step in (100, 102)] == by_steps


def test_a_dict_lets_the_rate_decay_within_intervals_of_steps():
    dynamic = {"interval": 3, "decay": 0.5}
    assert [rate(step=step, dynamic_learning_rate=dynamic) for step in range(5)] == [0.5, 0.25, 0.125, 0.5, 0.25]


def test_a_function_sees_rate_step_epoch_and_network():
    def schedule(*, network, global_train_step, learning_rate, epoch, **kwargs):
        import tensorflow as tf

        assert kwargs == {}
        assert network.global_train_step == global_train_step
        assert network.train_flag
        return learning_rate * tf.cast(global_train_step, tf.float32) * tf.cast(epoch, tf.float32)

    def by_epoch(epoch):
        return 1 / epoch

    assert rate(step=3, epoch=2, dynamic_learning_rate=schedule) == 3
    assert rate(epoch=2, dynamic_learning_rate=by_epoch) == 0.5
    warm = {"learning_rate_warmup_num_steps": 4}
    assert rate(step=1, dynamic_learning_rate=lambda learning_rate: 2 * learning_rate, **warm) == 0.5


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_a_function_that_gives_no_rate_is_an_error(value):
    with pytest.raises(
        TrainingError, match=r"epoch 1, step 7: dynamic_learning_rate gives .*, expected a finite number"
    ):
        rate(step=7, dynamic_learning_rate=lambda **kwargs: value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dynamic_learning_rate": {"interval": 3}}, "'dynamic_learning_rate' must be a function, or a dict with"),
        (
            {"dynamic_learning_rate": {"interval": 0, "decay": 0.5}},
            "'dynamic_learning_rate' must be a function, or a dict",
        ),
        (
            {"dynamic_learning_rate": {"interval": 3, "decay": "x"}},
            "'dynamic_learning_rate' must be a function, or a dict",
        ),
        ({"dynamic_learning_rate": 0.5}, "'dynamic_learning_rate' must be a function, or a dict"),
        (
            {"dynamic_learning_rate": lambda steps: 1},
            "the function 'dynamic_learning_rate' has the argument 'steps', expected",
        ),
        (
            {"learning_rate_warmup_num_epochs": -1},
            "'learning_rate_warmup_num_epochs' must be an int, 0 or more, found -1",
        ),
        (
            {"learning_rate_warmup_num_steps": 1.5},
            "'learning_rate_warmup_num_steps' must be an int, 0 or more, found 1.5",
        ),
        (
            {"learning_rate_warmup_num_steps": 1, "learning_rate_warmup_num_epochs": 1},
            "found 'learning_rate_warmup_num_epochs' and 'learning_rate_warmup_num_steps', expected one of them",
        ),
    ],
)
def test_a_wrong_option_is_an_error(options, message):
    with pytest.raises(ConfigError) as error:
        TrainingOptions.from_config(options)
    assert str(error.value).startswith(f"config: {message}")


def test_each_step_trains_with_its_rate_also_after_a_resume(training, stop_at, tmp_path):
    """Steps whose function gives 0 change nothing: the first two, and all of the second phase."""

    def late(global_train_step, learning_rate):
        return learning_rate * float(2 <= global_train_step < 10)

    options = {"optimizer": {"class": "sgd"}, "dynamic_learning_rate": late, "learning_rate_warmup_num_steps": 8}
    phases = [
        phase(0, range(1, 3), NETWORK, **options),
        phase(1, range(3, 4), NETWORK, **options, learning_rate_warmup_restart=True),
    ]
    whole = training(phases, "whole")
    for batches in (1, 4):
        stop_at(batches)
        with pytest.raises(SystemExit):
            training(phases, "stopped")
    training(phases, "stopped")
    assert (tmp_path / "whole/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()
    records = read_scores(tmp_path / "whole/scores.jsonl")
    rates = [(record["learning_rate"], record["effective_learning_rate"]) for record in records]
    assert [effective for _, effective in rates] == [0, pytest.approx(rates[1][0] * 6 / 8), 0]
    assert "lr 0.01, 0 at its start" in describe_record(records[0])
    assert whole.history[1]["dev"] == whole.history[2]["dev"]  # copied, and not trained any more
    assert np.isfinite(whole.history[0]["train"]["cost:output"])


def test_batches_of_a_phase_that_trains_nothing_are_no_steps_as_in_returnn(training, tmp_path, stop_at):
    dynamic = {"dynamic_learning_rate": {"interval": 100, "decay": 0.9}, "max_seqs": 10}
    frozen = phase(0, range(1, 2), NETWORK, **dynamic) | {"trainable_layers": []}
    phases = [frozen, phase(1, range(2, 3), NETWORK, **dynamic)]
    ended = training(phases, "all")
    assert ended.step == 3
    assert "effective_learning_rate" not in ended.history[-1]
    stop_at(2)
    with pytest.raises(SystemExit):
        training(phases, "stopped")
    training(phases, "stopped")
    assert (tmp_path / "all/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()
