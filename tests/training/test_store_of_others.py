"""Processes of ranks other than 0 write nothing, and resume from the checkpoint that rank 0 chooses."""

import threading
import time

import pytest
import tensorflow as tf

from boulder.errors import CheckpointError
from boulder.training import Checkpoint, store
from boulder.training.replicas import SeveralReplicas
from boulder.training.store import CheckpointStore, ForeignStore


def checkpoint(epoch: int, position: dict | None = None) -> Checkpoint:
    return Checkpoint(
        epoch=epoch, step=7, phase_start=1, index=0, network={}, specs={}, params={}, history=[], position=position
    )


@pytest.mark.parametrize("position", [None, {"batch": 3, "sums": {}}])
def test_save_returns_the_path_of_rank_0_and_writes_nothing(tmp_path, position):
    told = ForeignStore(tmp_path).save(checkpoint(2, position))
    assert not list(tmp_path.iterdir())
    assert CheckpointStore(tmp_path).save(checkpoint(2, position)) == told


def test_rank_0_deletes_what_a_killed_process_left(tmp_path):
    CheckpointStore(tmp_path).save(checkpoint(2))
    left, other = tmp_path / ".epoch.000003.batch.00000002.h5.4711", tmp_path / "epoch.000001.damaged"
    left.touch()
    other.touch()
    ForeignStore(tmp_path)
    assert left.exists()
    store = CheckpointStore(tmp_path)
    assert sorted(tmp_path.iterdir()) == [other, *store.paths()]
    assert store.newest(print).epoch == 2


def test_load_waits_for_a_checkpoint_that_appears_late(tmp_path):
    def late():
        time.sleep(0.5)
        CheckpointStore(tmp_path).save(checkpoint(3, {"batch": 2, "sums": {}}))

    CheckpointStore(tmp_path).save(checkpoint(3))  # another one
    thread = threading.Thread(target=late)
    thread.start()
    loaded = ForeignStore(tmp_path).load(3, 2)
    thread.join()
    assert (loaded.epoch, loaded.position["batch"]) == (3, 2)


def test_a_checkpoint_that_does_not_appear_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_SECONDS_FOR_FILES", 0.2)
    with pytest.raises(CheckpointError, match=r"epoch\.000004\.h5: there is no such file"):
        ForeignStore(tmp_path).load(4, 0)


@pytest.fixture
def one_of_two():
    replicas = SeveralReplicas.__new__(SeveralReplicas)  # its constructor needs the other process
    replicas._num_processes = 2
    return replicas


def test_a_process_stops_so_that_it_can_be_resumed_if_another_one_has_died(one_of_two):
    message = "Graph execution error:\n\nDetected at …\nCollective ops is aborted by: Connection reset by peer\nmore"
    told = r"^another process .* has died, .* \(Connection reset by peer\)$"
    with pytest.raises(SystemExit, match=told), one_of_two.failures():
        raise tf.errors.UnavailableError(None, None, message)


def test_another_error_of_tensorflow_is_not_changed(one_of_two):
    with pytest.raises(tf.errors.ResourceExhaustedError), one_of_two.failures():
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
