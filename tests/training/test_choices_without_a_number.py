"""Early stopping, the return to the best epoch and the choice of kept epochs pass over scores that are no numbers."""

import math

import pytest

from boulder.training.best_so_far import epoch_to_return_to, epochs_to_hold, why_stop
from boulder.training.keep import Keep
from boulder.training.learning_rate.measure import score_named
from boulder.training.phase import TrainingPhase
from tests.tiny import network, phase


def history(*costs):
    return [
        {"epoch": epoch, "index": 0, "learning_rate": 0.1, "train": {"cost:output": 1.0}, "dev": {"cost:output": cost}}
        for epoch, cost in enumerate(costs, 1)
    ]


def with_options(**config):
    data = {
        "train": {"class": "HDFDataset", "files": ["train.hdf"]},
        "dev": {"class": "HDFDataset", "files": ["dev.hdf"]},
    }
    return TrainingPhase.from_json(data | phase(0, range(1, 9), network(1, 4), **config))


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_an_epoch_without_a_number_is_no_improvement(nothing):
    patient = with_options(patience=2)
    assert why_stop(patient, history(3.0, nothing)) is None
    assert why_stop(patient, history(3.0, nothing, nothing)) == "dev_score has not been below 3 of epoch 1 for 2 epochs"
    assert why_stop(patient, history(3.0, nothing, 2.0)) is None
    assert why_stop(patient, history(nothing, nothing, nothing)) is None


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_training_returns_to_the_best_of_the_epochs_with_a_number(nothing):
    returning = with_options(use_last_best_model=True)
    assert epoch_to_return_to(returning, 4, history(2.0, nothing, 3.0), {1, 2, 3}) == 1
    assert epoch_to_return_to(returning, 4, history(2.0, 3.0, nothing), {1, 2, 3}) is None
    assert 2 not in epochs_to_hold(returning, history(2.0, nothing, 3.0))


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_an_epoch_without_a_number_is_not_kept_as_the_best(nothing):
    assert Keep(best=1, last=1).wanted(history(nothing, 2.0, 3.0, 4.0)) >= {2, 4}
    assert score_named(history(nothing)[0], "dev_score") is None
