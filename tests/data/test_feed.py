"""`batches_of_epoch`: the same batches as prefetched tensors."""

import itertools
import subprocess
import sys
import threading
import time

import h5py
import numpy as np
import pytest

from boulder.data import batches_of_epoch, form_batches, open_dataset, read_batch
from boulder.data import feed as feed_module
from boulder.errors import DataError


@pytest.fixture
def epoch(corpus):
    made = corpus(23)
    reader = open_dataset(made.path, made.extern_data)
    order = np.random.default_rng(0).permutation(23)
    return reader, form_batches(order, reader.lengths, 30, 4)


def test_batches_equal_those_of_read_batch_as_tensors(epoch):
    reader, batches = epoch
    found = list(batches_of_epoch(reader, batches))
    assert len(found) == len(batches)
    for batch, seqs in zip(found, batches, strict=True):
        expected = read_batch(reader, seqs)
        assert batch.tags == expected.tags
        assert batch.seqs.tolist() == seqs.tolist()
        for key in tuple(reader.streams):
            np.testing.assert_array_equal(batch.data[key].numpy(), expected.data[key])
            np.testing.assert_array_equal(batch.lengths[key].numpy(), expected.lengths[key])
            assert batch.data[key].dtype.name == reader.streams[key].dtype


@pytest.mark.parametrize("num_workers", [1, 2, 7])
def test_batches_are_the_same_with_any_number_of_threads(epoch, monkeypatch, num_workers):
    reader, batches = epoch
    expected = [read_batch(reader, seqs) for seqs in batches]
    meeting, numbers = threading.Barrier(min(num_workers, 2)), itertools.count()
    threads, pauses = set(), iter(np.random.default_rng(num_workers).uniform(0, 0.01, len(batches)))

    def slow(reader, seqs):
        threads.add(threading.current_thread().name)
        if next(numbers) < 2:  # a busy machine may let one thread read all
            meeting.wait(60)
        time.sleep(next(pauses))  # so that later batches may be ready first
        return read_batch(reader, seqs)

    monkeypatch.setattr(feed_module, "read_batch", slow)
    found = list(batches_of_epoch(reader, batches, num_workers=num_workers))
    assert 1 <= len(threads) <= num_workers
    assert (len(threads) > 1) == (num_workers > 1)
    assert [batch.seqs.tolist() for batch in found] == [seqs.tolist() for seqs in batches]
    for batch, other in zip(found, expected, strict=True):
        for key in other.data:
            assert batch.data[key].numpy().tobytes() == other.data[key].tobytes()
            assert batch.lengths[key].numpy().tobytes() == other.lengths[key].tobytes()


def test_a_data_set_that_reads_in_one_thread_only_gets_one(epoch, monkeypatch):
    reader, batches = epoch
    threads = set()
    monkeypatch.setattr(type(reader), "reads_in_threads", False)
    monkeypatch.setattr(
        feed_module,
        "read_batch",
        lambda reader, seqs: threads.add(threading.current_thread().name) or read_batch(reader, seqs),
    )
    assert len(list(batches_of_epoch(reader, batches, num_workers=4))) == len(batches)
    assert len(threads) == 1


def test_starting_at_a_batch_reads_only_the_remaining_batches(epoch, monkeypatch):
    reader, batches = epoch
    everything = [(batch.tags, batch.data["data"].numpy().tolist()) for batch in batches_of_epoch(reader, batches)]
    read = []
    monkeypatch.setattr(
        feed_module, "read_batch", lambda reader, seqs: read.append(seqs.tolist()) or read_batch(reader, seqs)
    )
    for start in (0, 1, len(batches) - 1, len(batches)):
        read.clear()
        rest = [
            (batch.tags, batch.data["data"].numpy().tolist())
            for batch in batches_of_epoch(reader, batches, start, num_workers=1)
        ]
        assert rest == everything[start:]
        assert read == [seqs.tolist() for seqs in batches[start:]]


def test_a_function_is_traced_once_for_all_batches(epoch):
    import tensorflow as tf

    reader, batches = epoch
    traced = []

    @tf.function(input_signature=[feed_module.tensor_spec(reader)])
    def count(tensors):
        traced.append(tensors)
        return tf.reduce_sum(tensors["lengths"]["data"])

    frames = [int(count({"data": b.data, "lengths": b.lengths})) for b in batches_of_epoch(reader, batches)]
    assert sum(frames) == reader.lengths["data"].sum()
    assert len(traced) == 1


def test_a_reading_error_is_raised_unchanged_after_the_batches_before_it(corpus):
    made = corpus(10)
    with h5py.File(made.path, "r+") as file:
        labels = file["targets/data/classes"]
        labels[labels.shape[0] - 1] = 99
    reader = open_dataset(made.path, made.extern_data)
    wrong = max(i for i, (_, data) in enumerate(made.sequences) if len(data["classes"]))
    batches = [np.array([i]) for i in range(10)]
    found = []
    with pytest.raises(DataError) as caught:
        found.extend(batch.tags[0] for batch in batches_of_epoch(reader, batches))
    assert str(caught.value) == f"{made.path}: sequence 'corpus/{wrong}', 'classes': found label 99, expected 0 to 10"
    assert found == [f"corpus/{i}" for i in range(wrong)]


def test_an_abandoned_iterator_prefetches_only_a_few_batches(epoch, monkeypatch):
    reader, batches = epoch
    read = []
    monkeypatch.setattr(feed_module, "read_batch", lambda reader, seqs: read.append(1) or read_batch(reader, seqs))
    iterator = batches_of_epoch(reader, batches, num_workers=2)
    next(iterator)
    iterator.close()
    assert len(read) <= 3 < len(batches)


@pytest.mark.long
def test_a_process_exits_after_an_exception_in_the_middle_of_an_epoch(corpus):
    script = """
import sys, time, numpy as np
from boulder.data import batches_of_epoch, feed, open_dataset
read_batch = feed.read_batch
feed.read_batch = lambda *args: (time.sleep(0.3), read_batch(*args))[1]  # so that it is reading when the process ends
def stop(batch):
    raise ValueError(batch.tags)
sum(stop(batch) for batch in batches_of_epoch(open_dataset(sys.argv[1]), [np.arange(20)] * 1000))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(corpus(20).path)], capture_output=True, text=True, timeout=40, check=False
    )
    assert done.returncode == 1, done.stderr


def test_a_wrong_start_is_reported(epoch):
    reader, batches = epoch
    for start in (-1, len(batches) + 1):
        with pytest.raises(DataError, match=rf"found start={start}, expected 0 to {len(batches)}"):
            batches_of_epoch(reader, batches, start)
