"""Faults of the data are found before the first batch where that is possible, and name the data set, sequence and stream."""

import re

import numpy as np
import pytest

from boulder.data import HdfWriter
from boulder.errors import DataError
from tests.tiny import phase

EXTERN_DATA = {"data": {"dim": 2}, "classes": {"dim": 3, "sparse": True}}
FRAMES = {"class": "softmax", "from": "data", "loss": "ce", "target": "classes"}
POOLED = {
    "pool": {"class": "pool", "mode": "max", "padding": "same", "pool_size": (2,), "from": "data"},
    "output": FRAMES | {"from": "pool"},
}


@pytest.fixture
def write(tmp_path):
    """:return: function (name, lengths of "data", lengths of "classes"; None: the same) that writes a file"""

    def made(name, data, classes=None, bad=None):
        path = tmp_path / name
        with HdfWriter(path, EXTERN_DATA) as file:
            for number, (frames, labels) in enumerate(zip(data, classes or data, strict=True)):
                values = np.ones((frames, 2), "float32")
                if number == bad:
                    values[-1, 1] = np.nan
                file.write(f"s-{number}", {"data": values, "classes": np.zeros(labels, "int32")})
        return path

    return made


@pytest.fixture
def fails(training):
    """:return: function (phase, train=…, dev=…) → message of the error, and the lines of the log"""

    def run(wanted, kind=DataError, **data):
        lines = []
        with pytest.raises(kind) as caught:
            training([wanted], extern_data=EXTERN_DATA, say=lines.append, **data)
        assert "\n" not in str(caught.value)
        return str(caught.value), lines

    return run


def one(net=FRAMES, epochs=2, **config):
    return phase(0, range(1, epochs + 1), net if "output" in net else {"output": net}, **config)


def was_trained(lines):
    return any(re.match(r"epoch \d", line) for line in lines)


def test_lengths_that_differ_are_found_before_training(write, fails):
    train = [write("train.hdf", [4, 5, 6], [4, 4, 5])]
    message, lines = fails(one(), train=train, dev=[])
    assert message == (
        "index 0: train data: sequence 's-1': layer 'output': 5 frames along time:data, 4 along time:classes, expected as "
        "many; 2 sequences differ"
    )
    assert not was_trained(lines)


def test_so_they_are_in_data_to_score(write, fails):
    message, lines = fails(one(), train=[write("train.hdf", [4])], dev=[write("dev.hdf", [5, 6], [5, 7])])
    assert message.startswith("index 0: dev data: sequence 's-1': layer 'output': 6 frames along time:data, 7 along")
    assert not was_trained(lines)


def test_lengths_after_pooling_are_known_as_well(write, fails, training):
    fits = [write("fits.hdf", [4, 5, 6], [2, 3, 3])]
    training([one(POOLED)], "fits", extern_data=EXTERN_DATA, train=fits, dev=[])
    message, _ = fails(one(POOLED), train=[write("train.hdf", [4, 5, 6], [2, 2, 3])], dev=[])
    assert "sequence 's-1': layer 'output': 3 frames along time:every(data, 2), 2 along time:classes" in message


LABELS = {**POOLED, "output": FRAMES | {"from": "pool", "loss": "ctc"}}


def test_sequences_that_ctc_leaves_out_for_their_length_are_counted(write, training):
    lines = []
    train = [write("train.hdf", [4, 5, 6, 9], [2, 4, 4, 1])]
    training([one(LABELS)], extern_data=EXTERN_DATA, train=train, dev=[], say=lines.append)
    found = [line for line in lines if "its loss leaves out" in line]
    assert found == [
        "index 0: train data: layer 'output': its loss leaves out 2 of 4 sequences, which have more labels than frames, such as "
        "'s-1': 4 labels, 3 frames"
    ]


def test_data_of_which_ctc_would_leave_out_all_is_an_error_before_training(write, fails):
    message, lines = fails(one(LABELS), train=[write("train.hdf", [4, 5], [3, 4])], dev=[])
    assert "index 0: train data: layer 'output': its loss leaves out all 2 sequences" in message
    assert not was_trained(lines)


def test_a_stream_that_is_empty_in_all_sequences_is_an_error_before_training(write, fails):
    message, lines = fails(one(LABELS), train=[write("train.hdf", [4, 5], [0, 0])], dev=[])
    assert message == "index 0: train data: 'classes' has no frames in any of 2 sequences, such as 's-0'"
    assert not was_trained(lines)


def test_sequences_that_are_left_out_may_differ(write, training):
    train = [write("train.hdf", [4, 5, 9], [4, 5, 2])]
    training([one(max_seq_length=8)], extern_data=EXTERN_DATA, train=train, dev=[])


def test_a_later_part_of_the_data_is_checked_before_the_first(write, fails):
    train = {
        "class": "HDFDataset",
        "files": [str(write("train.hdf", [4, 5, 6, 7], [4, 5, 6, 8]))],
        "partition_epoch": 2,
    }
    message, lines = fails(one(), train=train, dev=[])
    assert message.startswith("index 0: train data: sequence 's-3': layer 'output': 7 frames along time:data, 8 along")
    assert not was_trained(lines)


def test_a_later_part_without_sequences_is_found_before_the_first(write, fails):
    train = {"class": "HDFDataset", "files": [str(write("train.hdf", [4, 5, 60, 70]))], "partition_epoch": 2}
    message, lines = fails(one(batching="default", max_seq_length=8), train=train, dev=[])
    assert message == "index 0: train data: epoch 2: max_seq_length 8 leaves no sequence, expected at least one"
    assert not was_trained(lines)


def test_a_limit_that_leaves_no_data_to_score_is_found_before_training(write, fails):
    message, lines = fails(one(max_seq_length=8), train=[write("train.hdf", [4])], dev=[write("dev.hdf", [60])])
    assert message.startswith("index 0: dev data: epoch 1: data to score: max_seq_length 8 leaves no sequence")
    assert not was_trained(lines)


@pytest.mark.parametrize(
    ("train", "dev", "named"), [("none.hdf", "there.hdf", "train"), ("there.hdf", "none.hdf", "dev")]
)
def test_a_missing_file_is_that_of_a_data_set(write, fails, tmp_path, train, dev, named):
    write("there.hdf", [4])
    message, _ = fails(one(), train=[tmp_path / train], dev=[tmp_path / dev])
    assert message == f"index 0: {named} data: {tmp_path}/none.hdf: no such file, expected an HDF file"


def test_lengths_that_are_only_known_in_training_name_the_sequence(write, fails):
    net = {
        "conv": {"class": "conv", "n_out": 2, "filter_size": (2,), "padding": "valid", "from": "data"},
        "output": FRAMES | {"from": "conv"},
    }
    message, _ = fails(one(net, batching="default"), train=[write("train.hdf", [4, 5, 6], [3, 4, 6])], dev=[])
    assert message.startswith("epoch 1, batch 0: sequence 's-2': layer 'output': 5 frames along time:")
    assert message.endswith("6 along time:classes, expected as many")


def test_values_that_are_not_finite_name_the_sequence_and_the_stream(write, fails, training):
    train = [write("train.hdf", [4, 5, 6], bad=1)]
    message, _ = fails(one(batching="default"), train=train, dev=[])
    found = f"epoch 1, batch 0: found values in the data that are not finite: 's-1', 'data' in {train[0]}; "
    assert message.startswith(f"{found}the param")
    assert message.endswith("Repair the data, or leave these sequences out")
    lines = []
    skipping = one(batching="default", stop_on_nonfinite_train_score=False)
    training([skipping], "skipped", extern_data=EXTERN_DATA, say=lines.append, train=train, dev=[])
    assert f"{found}it made no update" in lines


@pytest.mark.parametrize("changed", ["train.hdf", "dev.hdf", "removed"])
def test_a_file_that_changes_between_two_epochs_is_named(write, fails, monkeypatch, tmp_path, changed):
    from boulder.training import trainer

    files = {name: [write(name, [4, 5])] for name in ("train.hdf", "dev.hdf")}
    whole = trainer.train_epoch

    def train_epoch(epoch, *others):
        whole(epoch, *others)
        if changed == "removed":
            (tmp_path / "dev.hdf").unlink()
        else:
            write(changed, [4, 5, 6])

    monkeypatch.setattr(trainer, "train_epoch", train_epoch)
    message, lines = fails(one(), train=files["train.hdf"], dev=files["dev.hdf"])
    found = f"{changed}: found another file than at the start of this job"
    found = "dev.hdf: found no such file any more, expected the same data" if changed == "removed" else found
    assert message.startswith(f"{tmp_path}/{found}")
    assert [line for line in lines if line.startswith("epoch")][-1].startswith("epoch 1 ")
