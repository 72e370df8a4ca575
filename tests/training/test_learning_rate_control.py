"""Learning-rate controls: a rule is a class in one file and one registration; the job asks it at the start of each epoch."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest

from boulder.errors import ConfigError, TrainingError
from boulder.schedule import plan
from boulder.training.learning_rate import (
    CONTROLS,
    LearningRateControl,
    Scheduled,
    control_class,
    control_from_json,
    learning_rate_control,
    learning_rate_keys,
)
from boulder.training.scores import read_scores
from boulder.training.training_options import TrainingOptions
from tests.tiny import phase, scheduled

NETWORK = {"output": {"class": "softmax", "loss": "ce", "from": "data", "target": "classes"}}


@pytest.fixture
def halve(monkeypatch):
    """A rule "halve the rate when dev does not improve", registered as a file of its own would register it."""
    monkeypatch.setattr("boulder.training.learning_rate.control.CONTROLS", controls := dict(CONTROLS))

    @control_class("halve")
    @dataclass(frozen=True, kw_only=True)
    class Halve(LearningRateControl):
        """
        :param halve_threshold: by how much dev must improve
        """

        halve_threshold: float = 0.0

        def __post_init__(self):
            if self.halve_threshold < 0:
                raise ConfigError(f"'halve_threshold' must be a number, 0 or more, found {self.halve_threshold!r}")

        def rate(self, epoch, history):
            costs = [record["dev"]["cost:output"] for record in history if record.get("dev")]
            known = [cost for cost in costs if cost is not None]
            worse = sum(new > old - self.halve_threshold for old, new in pairwise(known))
            return self.scheduled(epoch) * 0.5**worse

    assert controls["halve"] is Halve
    return Halve


def records(*costs):
    return [{"epoch": e, "index": 0, "learning_rate": 1.0, "train": {}} | dev(c) for e, c in enumerate(costs, 1)]


def dev(cost):
    return {} if cost == "missing" else {"dev": {"cost:output": cost}}


def test_the_schedule_is_the_simplest_control():
    control = learning_rate_control({"learning_rates": [3, 2, 1]}, plan(NETWORK, None, 4))
    assert isinstance(control, Scheduled)
    assert [control.rate(epoch, []) for epoch in range(1, 5)] == [3, 2, 1, 1]
    assert learning_rate_control({"learning_rate_control": "constant"}, plan(NETWORK, None, 1)).name == "scheduled"


def test_part_of_a_control_depends_on_its_own_epochs_only():
    short = learning_rate_control({"learning_rates": [3, 2, 1]}, plan(NETWORK, None, 3))
    other = learning_rate_control({"learning_rates": [3, 2, 9, 9]}, plan(NETWORK, None, 5))
    part = short.restricted_to(range(2, 3))
    assert part.to_json() == {"class": "scheduled", "first_epoch": 2, "rates": [2.0]}
    assert part == other.restricted_to(range(1, 3)).restricted_to(range(2, 3)) == control_from_json(part.to_json())


def test_a_rule_is_chosen_by_its_name_and_its_options_are_keys_of_the_config(halve):
    config = {"learning_rate": 8, "learning_rate_control": "halve", "halve_threshold": 0.1}
    control = learning_rate_control(config, plan(NETWORK, None, 3))
    assert control == halve(first_epoch=1, rates=[8.0] * 3, halve_threshold=0.1)
    assert "halve_threshold" in learning_rate_keys()
    with pytest.raises(ConfigError, match="does not know 'halve_treshold'; did you mean 'halve_threshold'"):
        TrainingOptions.from_config({"halve_treshold": 1})
    with pytest.raises(ConfigError, match="'halve_threshold' must be a number, 0 or more, found -1"):
        learning_rate_control(config | {"halve_threshold": -1}, plan(NETWORK, None, 3))


def test_an_option_at_its_default_is_left_out_so_that_a_new_option_keeps_the_ids_of_jobs(halve):
    default, other = (halve(first_epoch=1, rates=[8.0], halve_threshold=threshold) for threshold in (0.0, 0.1))
    assert default.to_json() == {"class": "halve", "first_epoch": 1, "rates": [8.0]}
    assert other.to_json() == default.to_json() | {"halve_threshold": 0.1}
    assert [control_from_json(control.to_json()) for control in (default, other)] == [default, other]


def test_a_rule_sees_scores_that_are_none_or_missing(halve):
    control = halve(first_epoch=1, rates=[8.0] * 6)
    assert [control.rate(e, records(1.0, None, "missing", 2.0, 1.5)[: e - 1]) for e in range(1, 7)] == [8] * 4 + [4, 4]


@pytest.mark.long
def test_a_job_asks_the_rule_in_each_epoch_and_a_resumed_one_gets_the_same_rates(halve, training, stop_at, tmp_path):
    rule = {"class": "halve", "halve_threshold": 0.5}  # more than dev can improve, so that it halves in each epoch
    phases = [
        phase(0, range(1, 4), NETWORK) | {"learning_rate_control": rule | {"first_epoch": 1, "rates": [0.016] * 3}},
        phase(1, range(4, 6), NETWORK) | {"learning_rate_control": rule | {"first_epoch": 4, "rates": [0.016, 0.032]}},
    ]
    whole = training(phases, "whole")
    assert [record["learning_rate"] for record in whole.history] == [0.016, 0.016, 0.008, 0.004, 0.004]
    for batches in (4, 10, 12):
        stop_at(batches)
        with pytest.raises(SystemExit):
            training(phases, "stopped")
    training(phases, "stopped")
    assert (tmp_path / "whole/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()
    rates = [record["learning_rate"] for record in read_scores(tmp_path / "stopped/scores.jsonl")]
    assert rates == [record["learning_rate"] for record in whole.history]


@pytest.mark.parametrize(
    ("control", "message"),
    [
        (
            {"class": "schedule"},
            "index 0: unknown learning_rate_control 'schedule', expected one of cosine, linear, one_cycle, "
            "inverse_square_root, newbob_abs, newbob, newbob_rel, newbob_relative, newbob_multi_epoch, scheduled, constant; "
            "did you mean 'scheduled'?",
        ),
        (scheduled([1.0]) | {"rate": 1}, "index 0: learning_rate_control 'scheduled' has no option 'rate'; did you"),
    ],
)
def test_an_unknown_control_or_option_is_an_error(training, control, message):
    with pytest.raises(ConfigError) as error:
        training([phase(0, range(1, 2), NETWORK) | {"learning_rate_control": control}])
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"learning_rate_control": "newbobs"},
            "unknown learning_rate_control 'newbobs', expected one of cosine, linear, ",
        ),
        ({"learning_rate_control": ""}, "unknown learning_rate_control '', expected one of"),
        ({"learning_rate_control": 0}, "unknown learning_rate_control 0, expected one of"),
        (
            {"halve_threshold": 0.1},
            "'halve_threshold' is an option of learning_rate_control 'halve', found learning_rate_control 'scheduled'",
        ),
        ({"learning_rate_control": "halve", "halve_threshold": "x"}, "'halve_threshold' must be a number, found 'x'"),
        ({"learning_rate_control": "halve", "halve_threshold": True}, "'halve_threshold' must be a number, found True"),
    ],
)
def test_a_wrong_rule_or_option_is_an_error_of_the_config(halve, config, message):
    with pytest.raises(ConfigError) as error:
        learning_rate_control(config, plan(NETWORK, None, 1))
    assert str(error.value).startswith(f"config: {message}")


def test_numpy_values_are_options_of_a_rule(halve):
    config = {"learning_rate_control": "halve", "halve_threshold": np.float32(0.5)}
    assert learning_rate_control(config, plan(NETWORK, None, 1)).halve_threshold == 0.5


@pytest.mark.parametrize("rate", [-1.0, float("nan"), float("inf")])
def test_a_rule_that_returns_no_rate_stops_the_training(training, rate):
    message = r"epoch 1 \(index 0\): learning_rate_control 'scheduled' returned .*, expected a finite number, 0 or more"
    with pytest.raises(TrainingError, match=message):
        training([phase(0, range(1, 2), NETWORK) | {"learning_rate_control": scheduled([rate])}])
