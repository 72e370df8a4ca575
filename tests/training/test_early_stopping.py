"""Early stopping: what is not trained any more still ends with valid outputs, whenever the job is killed."""

import pytest

from boulder.training import Checkpoint
from boulder.training.keep import Keep
from boulder.training.kept_folder import KeptFolder, kept_files
from boulder.training.scores import read_scores
from tests.tiny import network, phase

PATIENT = {"patience": 2, "random_seed": 1}


def worse(number: int, epochs: range, width: int = 4) -> dict:
    """:return: a phase whose scores do not improve: with a rate of 0"""
    control = {"class": "scheduled", "first_epoch": epochs[0], "rates": [0.0] * len(epochs)}
    return phase(number, epochs, network(1, width), **PATIENT) | {"learning_rate_control": control}


def test_training_stops_and_later_jobs_pass_the_checkpoint_on(training, tmp_path):
    first, second, third = worse(0, range(1, 5)), worse(0, range(5, 7)) | {"start": 1}, worse(1, range(7, 9), 5)
    told = []
    folder = KeptFolder(tmp_path / "kept", Keep(epochs=(2, 4)))
    last = training([first], "first", say=told.append, kept=folder)
    assert last.epoch == 3
    assert "training stops early: dev_score has not been below" in told[-3]
    assert told[-2].startswith("training stopped after epoch 3: dev_score has not been below")
    records = read_scores(tmp_path / "first/scores.jsonl")
    assert ["stopped" in record for record in records] == [False, False, True]
    kept = {epoch: Checkpoint.load(path).epoch for epoch, path in kept_files(folder.folder).items()}
    assert kept == {2: 2}  # the job's last epoch is its checkpoint

    later = KeptFolder(tmp_path / "later", Keep(epochs=(5, 7)))
    passed = training([second, third], "later", previous=tmp_path / "first/checkpoint.h5", kept=later)
    assert passed.checksum == last.checksum
    assert read_scores(tmp_path / "later/scores.jsonl") == []
    assert (tmp_path / "later/scores.jsonl").exists()
    kept = {epoch: Checkpoint.load(path).checksum for epoch, path in kept_files(later.folder).items()}
    assert kept == {5: last.checksum, 7: last.checksum}
    assert training([first, second, third], "joint").checksum == last.checksum


@pytest.mark.long
def test_a_killed_job_stops_at_the_same_epoch(training, stop_at):
    phases = [worse(0, range(1, 6))]
    whole = training(phases, "whole")
    for batches in (8, 6):  # in epoch 2, and in epoch 3 after it resumed
        stop_at(batches)
        with pytest.raises(SystemExit):
            training(phases)
        stop_at(10**6)
    assert training(phases).checksum == whole.checksum


def test_pretraining_neither_stops_nor_counts(training):
    assert training([worse(0, range(1, 7)) | {"pretrain_end": 2}]).epoch == 5
