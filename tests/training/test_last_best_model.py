"""`use_last_best_model`: the parameters of the best epoch so far, as RETURNN chooses it, across jobs and interruptions."""

import numpy as np
import pytest

from boulder.errors import ConfigError
from boulder.training import TrainingPhase
from boulder.training.best_so_far import epoch_to_return_to, epochs_to_hold
from tests.tiny import network, phase


def of(option, epochs: range = range(1, 9), **fields) -> TrainingPhase:
    plain = phase(0, epochs, network(1, 4), use_last_best_model=option)
    return TrainingPhase.from_json({"train": ["train.hdf"]} | plain | fields)


def history(*scores: float) -> list[dict]:
    return [
        {"epoch": epoch, "index": 0, "learning_rate": 1.0, "train": {}, "dev": {"cost:output": score}}
        for epoch, score in enumerate(scores, 1)
    ]


@pytest.mark.parametrize(
    ("option", "scores", "best"),
    [
        (False, (1.0, 2.0, 3.0), None),
        (True, (1.0, 2.0, 3.0), 1),
        (True, (3.0, 2.0, 1.0), None),
        (True, (2.0, 1.0, 1.0), None),  # the last one is as good as the best
        ({"modulo": 2}, (1.0, 2.0), None),  # before epoch 3
        ({"modulo": 2}, (1.0, 2.0, 3.0), 1),
        ({"modulo": 2, "filter_score": 1.5}, (1.0, 2.0), 1),  # the last score is really bad
        ({"only_last_n": 2}, (1.0, 3.0, 2.5, 4.0), 3),
        ({"only_last_epochs": 3}, (1.0, 3.0, 2.5, 4.0), 3),
        ({"min_score_dist": 2.5}, (1.0, 2.0, 3.0), None),
        ({"first_epoch": 2}, (1.0, 2.0, 3.0), 2),
    ],
)
def test_the_best_epoch_is_returnns(option, scores, best):
    every = range(1, len(scores) + 1)
    assert epoch_to_return_to(of(option), len(scores) + 1, history(*scores), every) == best


def test_pretraining_does_not_return_and_only_its_last_epoch_counts():
    scores = history(1.0, 2.0, 3.0)
    assert epoch_to_return_to(of(True, pretrain_end=4), 4, scores, range(9)) is None
    assert epoch_to_return_to(of(True, pretrain_end=2), 4, scores, range(9)) == 2


@pytest.mark.parametrize("option", [True, {"only_last_n": 3}, {"only_last_epochs": 4}, {"min_score_dist": 0.5}])
def test_every_epoch_that_can_be_chosen_is_held(option):
    random = np.random.default_rng(0)
    for _ in range(50):
        scores = history(*random.integers(0, 6, 8).astype(float))
        held: set[int] = set()
        for epoch in range(1, 9):
            chosen = epoch_to_return_to(of(option), epoch, scores[: epoch - 1], held)
            assert chosen == epoch_to_return_to(of(option), epoch, scores[: epoch - 1], range(1, 9))
            held = epochs_to_hold(of(option), scores[:epoch]) & (held | {epoch})


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("yes", "'use_last_best_model' must be a bool, or a dict .*, found 'yes'"),
        ({"module": 2}, "'use_last_best_model' has no option 'module'; did you mean 'modulo'"),
        ({"modulo": 0}, "'use_last_best_model': 'modulo': found 0, expected a number in its range"),
    ],
)
def test_wrong_options_are_refused(option, message):
    with pytest.raises(ConfigError, match=message):
        of(option)


@pytest.mark.slow
def test_training_continues_from_the_best_epoch_with_the_same_bits_in_one_job_and_in_several(
    training, tmp_path, stop_at, monkeypatch
):
    scores = {1: 3.0, 2: 1.0, 3: 5.0, 4: 2.0, 5: 0.5, 6: 4.0}  # epochs 4 and 5 start from 2, epoch 6 from 5
    monkeypatch.setattr(
        "boulder.training.best_so_far.measured", lambda record, _: ("dev_score", scores[record["epoch"]])
    )

    def part(epochs: range) -> dict:
        return phase(0, epochs, network(1, 4), use_last_best_model=True) | {"start": 1}

    told = []
    whole = training([part(range(1, 7))], "whole", say=told.append)
    returns = [line for line in told if "starting with the parameters of epoch" in line]
    assert returns == [
        f"epoch {epoch} (index 0): starting with the parameters of epoch 2, which has the best score"
        for epoch in (4, 5)
    ]
    assert list(whole.earlier) == [5]
    steps = (
        whole.earlier_steps[5] // 3
    )  # per epoch; epoch 5 counts on from epoch 2, epoch 6 from epoch 5, as in RETURNN
    assert (whole.step, whole.earlier_steps) == (4 * steps, {5: 3 * steps})
    training([part(range(1, 4))], "a")
    training([part(range(4, 5))], "b", previous=tmp_path / "a/checkpoint.h5")
    assert training([part(range(5, 7))], "c", previous=tmp_path / "b/checkpoint.h5").checksum == whole.checksum
    for batches in (24, 12):  # in epoch 4, and in epoch 5 after it resumed
        stop_at(batches)
        with pytest.raises(SystemExit):
            training([part(range(1, 7))])
        stop_at(10**6)
    assert training([part(range(1, 7))]).checksum == whole.checksum
