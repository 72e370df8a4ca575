"""Checkpoints within an epoch by time: a job that dies without a warning loses no more than that."""

from types import SimpleNamespace

import pytest

from boulder.training.checkpoint import Checkpoint
from boulder.training.progress import Progress
from boulder.training.store import CheckpointStore
from tests.tiny import network, phase

PHASES = [phase(0, range(1, 3), network(1, 4)), phase(1, range(3, 4), network(1, 5, dropout=0.2))]


class Died(BaseException):
    """Not an exception that the training handles."""


@pytest.fixture
def die_at(monkeypatch):
    """:return: function (batches, train and dev together) → the training dies there without a warning; None: it does not"""
    whole = Progress.advance

    def arrange(batches):
        seen = iter(range(10**6))

        def advance(self, sums):
            whole(self, sums)
            if next(seen) + 1 == batches:
                raise Died

        monkeypatch.setattr(Progress, "advance", advance)

    return arrange


# In the first epoch, while dev is scored, and in the last phase; with any number of threads that read.
@pytest.mark.long
@pytest.mark.parametrize(("batches", "num_workers"), [(3, 1), (6, 3), (18, 5)])
def test_a_killed_job_resumes_where_it_last_saved_with_the_same_bits(training, tmp_path, die_at, batches, num_workers):
    whole = training(PHASES, "whole", num_workers=1)
    die_at(batches)
    with pytest.raises(Died):
        training(PHASES, checkpoint_minutes=0, num_workers=num_workers)
    saved = CheckpointStore(tmp_path / "run/store").paths()
    assert len(saved) <= 2
    newest = Checkpoint.load(saved[0])
    assert newest.position["batch"] >= 1
    die_at(None)
    told = []
    assert training(PHASES, say=told.append).checksum == whole.checksum
    assert f"{newest.batches_done} batches of epoch {newest.epoch} done" in told[0]


def test_nothing_is_saved_within_an_epoch_before_it_is_time(training, tmp_path, die_at):
    die_at(4)
    with pytest.raises(Died):
        training(PHASES, checkpoint_minutes=1)
    assert CheckpointStore(tmp_path / "run/store").paths() == []


def test_the_time_counts_from_the_last_checkpoint(training, monkeypatch):
    clock = iter(range(0, 10**6, 30))  # half a minute from look to look, one look per batch
    monkeypatch.setattr("boulder.training.store.time", SimpleNamespace(monotonic=lambda: next(clock)))
    saved = []
    whole = CheckpointStore.save

    def save(self, state):
        saved.append(state.batches_done)
        return whole(self, state)

    monkeypatch.setattr(CheckpointStore, "save", save)
    training(PHASES[:1], checkpoint_minutes=2)
    assert saved == [4, 0, 4, 0]
