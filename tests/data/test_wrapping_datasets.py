"""Data sets with the sequences of others; tests/parity/test_readers_like_returnn.py compares them with RETURNN's."""

import numpy as np
import pytest

from boulder.data import HdfWriter, canonical_description, open_dataset
from boulder.errors import DataError


@pytest.fixture
def inner(tmp_path) -> dict:
    """Five sequences, a to e, of 1 to 5 labels."""
    with HdfWriter(tmp_path / "data.hdf", {"data": {"dim": 2, "sparse": True}}, {"data": ["no", "yes"]}) as writer:
        for i, tag in enumerate("abcde", 1):
            writer.write(tag, {"data": np.ones(i, "int32")})
    return {"class": "HDFDataset", "files": [str(tmp_path / "data.hdf")]}


def orders(description: dict, epochs: int) -> list[str]:
    with open_dataset(description, {"data": {"dim": 2, "sparse": True}}) as dataset:
        dataset.check()
        dataset.check_not_empty()
        assert dataset.label_names("data") == ["no", "yes"]
        return ["".join(dataset.tags(dataset.epoch_order(epoch, 1, "default"))) for epoch in range(1, epochs + 1)]


def test_an_epoch_may_be_several_epochs_of_another_data_set(inner):
    inner |= {"partition_epoch": 5, "seq_ordering": "sorted_reverse"}
    assert orders({"class": "MultiEpochDataset", "dataset": inner, "multi_epoch": 2}, 3) == ["ed", "cb", "ae"]


def test_processes_of_returnn_do_not_change_the_order_or_the_hash(inner):
    outer = {"class": "MultiProcDataset", "dataset": inner, "seq_ordering": "sorted_reverse", "partition_epoch": 2}
    assert orders(outer, 2) == ["edc", "ba"]
    assert orders(outer | {"dataset": inner | {"seq_ordering": "default"}}, 2) == ["abc", "de"]
    assert canonical_description(outer | {"num_workers": 4, "buffer_size": 9}) == canonical_description(outer)


def test_lines_without_labels_are_left_out_behind_processes_of_returnn_too(tmp_path):
    (tmp_path / "labels.txt").write_text("a\nb\n[END]\n")
    (tmp_path / "lines.txt").write_text("ab\nac\nb\n")
    files = {"corpus_file": [str(tmp_path / "lines.txt")], "orth_symbols_file": str(tmp_path / "labels.txt")}
    lines = {"class": "LmDataset", **files, "error_on_invalid_seq": False}
    with open_dataset({"class": "MultiProcDataset", "dataset": lines}) as dataset:
        assert dataset.epoch_order(1, 0, "default").tolist() == [0, 2]
        assert dataset.measured_lengths["data"].tolist() == [3, -1, 2]


def test_concatenated_data_sets_have_each_their_own_order(inner):
    parts = [inner | {"seq_ordering": "reverse", "partition_epoch": 2}, inner]
    assert orders({"class": "ConcatDataset", "datasets": parts}, 2) == ["edcabcde", "baabcde"]
    assert orders({"class": "ConcatDataset", "datasets": parts, "seq_ordering": "sorted"}, 1) == ["abccddee"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class": "ConcatDataset", "datasets": []}, r"datasets: found \[\], expected a list of descriptions"),
        ({"class": "ConcatDataset", "datasets": [{"clas": "x"}]}, r"datasets\[0\]: found no 'class', but 'clas'"),
        ({"class": "MultiEpochDataset", "multi_epoch": 0}, "multi_epoch: found 0, expected an integer of at least 1"),
        (
            {"class": "MultiEpochDataset", "multi_epoch": 2, "partition_epoch": 2},
            "partition_epoch: found 2, which RETURNN ignores here, expected it as an option of 'dataset'",
        ),
        ({"class": "MultiProcDataset", "sharding_method": "dedicated"}, "sharding_method: found 'dedicated', expected 'seq_"),
        ({"class": "MultiProcDataset", "dataset": 3}, "dataset: found 3, expected a path"),
    ],
)  # fmt: skip
def test_wrong_options_are_reported(inner, options, message):
    description = options if "datasets" in options else {"dataset": inner} | options
    with pytest.raises(DataError, match=message):
        open_dataset(description)
