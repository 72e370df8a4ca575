"""The batches of an epoch; tests/parity/test_orders_like_returnn.py compares them with RETURNN's."""

import numpy as np
import pytest

from boulder.data import HdfWriter, open_dataset
from boulder.errors import ConfigError, DataError
from boulder.training.epoch_batches import batches_to_score, batches_to_train
from boulder.training.training_options import TrainingOptions

DATA, CLASSES = [5, 3, 8, 1, 9, 0, 0], [2, 3, 1, 9, 5, 0, 0]


@pytest.fixture
def path(tmp_path):
    streams = {key: {"dim": 2, "sparse": True} for key in ("data", "classes")}
    with HdfWriter(tmp_path / "data.hdf", streams) as writer:
        for i, lengths in enumerate(zip(DATA, CLASSES, strict=True)):
            arrays = {key: np.zeros(n, "int32") for key, n in zip(streams, lengths, strict=True)}
            writer.write(f"{i}", arrays)
    return tmp_path / "data.hdf"


def trained(path, epoch: int = 1, streams=("data", "classes"), **config) -> list[list[int]]:
    options = TrainingOptions.from_config({"batch_size": 10, **config})
    with open_dataset(path, {key: {"dim": 2, "sparse": True} for key in streams}) as dataset:
        return [batch.tolist() for batch in batches_to_train(dataset, epoch, options, streams)[1]]


def test_sequences_that_are_too_long_or_too_short_are_left_out(path):
    assert trained(path) == [[0, 1], [2], [3], [4], [5, 6]]
    assert trained(path, max_seq_length=8) == [[0, 1], [2], [5, 6]]
    assert trained(path, max_seq_length={"data": 5}, min_seq_length={"classes": 1}) == [[0, 1], [3]]
    assert trained(path, max_seq_length=float("inf"), min_seq_length=0) == trained(path)


def test_padding_is_limited(path):
    assert trained(path, batch_size=30, max_pad_size={"data": 2}) == [[0, 1], [2], [3], [4], [5, 6]]
    assert trained(path, batch_size=30) == [[0, 1, 2], [3, 4, 5], [6]]


def test_returnns_batches_count_streams_that_the_network_does_not_read_and_end_without_empty_sequences(path):
    assert trained(path, streams=["data"]) == [[0, 1], [2], [3], [4], [5, 6]]
    assert trained(path, streams=["data"], batch_size={"data": 20}) == [[0, 1], [2, 3], [4, 5], [6]]
    with pytest.raises(DataError, match="batch_size: found stream 'classes', expected data"):
        trained(path, streams=["data"], batch_size={"classes": 20})
    assert trained(path, streams=["data"], batch_size={"classes": 9}, returnn_batches=True) == [
        [0, 1, 2], [3], [4]
    ]  # fmt: skip


def test_dropped_sequences_depend_on_the_epoch_of_the_last_draw(path):
    every_time = [trained(path, epoch, seq_drop=0.5, seq_drop_freq=1) for epoch in range(1, 7)]
    assert len({str(batches) for batches in every_time}) > 3
    held = [trained(path, epoch, seq_drop=0.5, seq_drop_freq=3) for epoch in range(1, 7)]
    assert held == every_time  # `batching` is not RETURNN's order, so that nothing is kept
    ordered = {"class": "HDFDataset", "files": [str(path)], "seq_ordering": "default"}
    held = [trained(ordered, epoch, seq_drop=0.5, seq_drop_freq=3) for epoch in range(1, 7)]
    assert held == [every_time[i] for i in (0, 0, 2, 2, 2, 5)]


def test_the_maximal_length_also_holds_for_data_to_score_whose_partition_is_that_of_the_epoch(path):
    options = TrainingOptions.from_config({"batch_size": 10, "max_seq_length": 8, "min_seq_length": 3})
    with open_dataset({"class": "HDFDataset", "files": [str(path)], "partition_epoch": 2}) as dataset:
        found = [[batch.tolist() for batch in batches_to_score(dataset, epoch, options)] for epoch in (1, 2, 3)]
    assert found == [[[1, 0], [2]], [[5, 6]], [[1, 0], [2]]]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"min_seq_length": 10}, "epoch 1: min_seq_length 10 leaves no sequence, expected at least one"),
        ({"seq_drop": 1.0, "max_seq_length": 5}, "epoch 1: max_seq_length 5 and seq_drop 1.0 leaves no sequence"),
        ({"max_seq_length": {"dat": 4}}, "max_seq_length: found stream 'dat', .*; did you mean 'data'"),
        ({"max_pad_size": {"dat": 4}}, "max_pad_size: found stream 'dat', .*; did you mean 'data'"),
    ],
)
def test_limits_that_fit_nothing_are_reported(path, config, message):
    with pytest.raises(DataError, match=message):
        trained(path, **config)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"max_seq_length": -75}, "'max_seq_length' must be a number of frames, .*, found -75"),
        ({"max_seq_length": "75"}, "'max_seq_length' must be a number of frames"),
        ({"min_seq_length": {"data": None}}, "'min_seq_length' must be"),
        ({"max_pad_size": True}, "'max_pad_size' must be"),
        ({"min_chunk_size": 1.5}, "'min_chunk_size' must be whole: a number of frames"),
        ({"chunking": "50:a"}, "'chunking' must be chunk sizes such as 50, .*, found '50:a'"),
        ({"seq_drop": 1.5}, "'seq_drop' must be a number from 0 to 1, found 1.5"),
        ({"seq_drop_freq": 0}, "'seq_drop_freq' must be a positive int, found 0"),
    ],
)
def test_wrong_options_are_reported(config, message):
    with pytest.raises(ConfigError, match=message):
        TrainingOptions.from_config(config)
