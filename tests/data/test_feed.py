"""`batches_of_epoch`: the same batches as prefetched tensors."""

import subprocess
import sys

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


def test_starting_at_a_batch_reads_only_the_remaining_batches(epoch, monkeypatch):
    reader, batches = epoch
    everything = [(batch.tags, batch.data["data"].numpy().tolist()) for batch in batches_of_epoch(reader, batches)]
    read = []
    monkeypatch.setattr(
        feed_module, "read_batch", lambda reader, seqs: read.append(seqs.tolist()) or read_batch(reader, seqs)
    )
    for start in (0, 1, len(batches) - 1, len(batches)):
        read.clear()
        rest = [(batch.tags, batch.data["data"].numpy().tolist()) for batch in batches_of_epoch(reader, batches, start)]
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
    iterator = batches_of_epoch(reader, batches)
    next(iterator)
    iterator.close()
    assert len(read) <= 4 < len(batches)


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
