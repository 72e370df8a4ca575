"""Descriptions of data sets: their canonical form, wrong ones, and the stream that decides the order."""

import os

import numpy as np
import pytest

from boulder.data import HdfWriter, canonical_description, open_dataset, paths_in
from boulder.errors import DataError


class PathOfAJob:
    """Stands for `tk.Path`."""

    def __init__(self, path: os.PathLike) -> None:
        self.path = path

    def get_path(self) -> str:
        return os.fspath(self.path)


@pytest.mark.parametrize(
    "given",
    [
        "a.hdf",
        ["a.hdf"],
        {"class": "HDFDataset", "files": "a.hdf"},
        {"files": ("a.hdf",), "class": "HDFDataset", "seq_ordering": None, "order_by": None},
    ],
)
def test_paths_and_defaults_have_the_same_canonical_form(given):
    assert canonical_description(given) == {"class": "HDFDataset", "files": ["a.hdf"]}


def test_options_of_the_order_are_checked_and_left_out_where_the_order_has_no_effect():
    described = {"class": "HDFDataset", "files": ["a.hdf"], "seq_ordering": "random", "order_by": "data"}
    assert canonical_description(described) == described | {"random_seed_offset": 0}
    assert canonical_description(described, ordered=False) == canonical_description("a.hdf")
    described |= {"partition_epoch": 2}
    assert canonical_description(described, ordered=False) == canonical_description(described)
    with pytest.raises(DataError, match="found 'randm'"):
        canonical_description(described | {"seq_ordering": "randm"}, ordered=False)


PARTS = {"class": "HDFDataset", "files": ["a.hdf"], "partition_epoch": 2, "seq_ordering": "random"}
TASK = {"class": "Task12AXDataset", "num_seqs": 9}


@pytest.mark.parametrize(
    "described",
    [
        TASK | {"fixed_random_seed": 1},
        {"class": "MultiProcDataset", "dataset": TASK, "fixed_random_seed": 1},
        {"class": "MultiEpochDataset", "dataset": PARTS, "multi_epoch": 1, "random_seed_offset": 3},
        {"class": "ConcatDataset", "datasets": [PARTS, PARTS], "random_seed_offset": 3},
        {
            "class": "CombinedDataset",
            "datasets": {"a": {"class": "HDFDataset", "files": ["a.hdf"], "seq_ordering": "random"}},
            "data_map": [[["a", "data"], "data"]],
            "sampling_sizes": 2,
            "random_seed_offset": 3,
        },
        {
            "class": "MetaDataset",
            "datasets": {"a": PARTS},
            "data_map": {"data": ["a", "data"]},
            "seq_order_control_dataset": "a",
            "random_seed_offset": 3,
        },
    ],
    ids=lambda described: described["class"],
)
def test_seeds_stay_that_decide_the_data_or_the_sequences_of_a_data_set_within(described):
    assert canonical_description(described, ordered=False) == described


def test_an_option_of_a_data_set_within_counts_even_at_its_default_if_the_outer_one_has_another_value():
    inner = {"class": "HDFDataset", "files": ["a.hdf"], "random_seed_offset": 0}
    described = {"class": "MetaDataset", "datasets": {"a": inner}, "data_map": {"data": ["a", "data"]}}
    plain = canonical_description(described | {"random_seed_offset": 3})
    assert plain["datasets"]["a"]["random_seed_offset"] == 0
    assert canonical_description(plain) == plain
    assert canonical_description(described)["datasets"]["a"] == canonical_description("a.hdf")


def test_path_objects_stay_and_strings_become_path_objects():
    path = PathOfAJob("a.hdf")
    found = canonical_description({"class": "HDFDataset", "files": [path, "b.hdf"]}, as_path=PathOfAJob)
    assert list(paths_in(found)) == found["files"]
    assert found["files"][0] is path
    assert found["files"][1].path == "b.hdf"


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({"class": "HdfDataset", "files": []}, "unknown data set class 'HdfDataset', .*; did you mean 'HDFDataset'"),
        ({"clas": "HDFDataset"}, "found no 'class', but 'clas', expected one of .*HDFDataset"),
        ({"class": "HDFDataset", "fils": ["a"]}, "HDFDataset has no option 'fils', only .*; did you mean 'files'"),
        ({"class": "HDFDataset"}, "HDFDataset needs the option 'files'"),
        ({"class": "HDFDataset", "files": []}, "HDFDataset: files: found none, expected at least one"),
        ({"class": "HDFDataset", "files": [3]}, "HDFDataset: files: found 3, expected paths"),
        (
            {"class": "HDFDataset", "files": ["a"], "seq_ordering": "randm"},
            "HDFDataset: seq_ordering: found 'randm', expected one of .*; did you mean 'random'",
        ),
        ({"class": "HDFDataset", "files": ["a"], "order_by": 1}, "order_by: found 1, expected the name of a stream"),
        (3, "found 3, expected a path, a list of paths, or a dict such as {'class': 'HDFDataset'"),
    ],
)
def test_wrong_descriptions_are_reported_in_one_line(description, message):
    with pytest.raises(DataError, match=f"^train: .*{message}") as raised:
        canonical_description(description, "train")
    assert "\n" not in str(raised.value)


@pytest.fixture
def two_streams(tmp_path):
    """:return: a file without "data"; "long" first, "short" last are the lengths in "a"; the other way round in "b" """
    path = tmp_path / "two.hdf"
    with HdfWriter(path, {"a": {"dim": 2}, "b": {"dim": 3, "sparse": True}}) as writer:
        for tag, frames, labels in (("long", 5, 1), ("middle", 4, 2), ("short", 1, 3)):
            writer.write(tag, {"a": np.ones((frames, 2)), "b": np.zeros(labels, "int32")})
    return path


@pytest.mark.parametrize(
    ("extern_data", "order_by", "shortest"),
    [
        ({"a": {"dim": 2}, "b": (3, 1)}, None, "short"),  # the first stream
        ({"a": {"dim": 2}, "b": (3, 1)}, "b", "long"),
        ({"a": {"dim": 2}, "b": {"dim": 3, "sparse": True, "available_for_inference": True}}, None, "short"),
        ({"a": {"dim": 2}, "b": {"dim": 3, "sparse": True, "available_for_inference": True}}, "a", "short"),
        (None, None, "short"),
    ],
)
def test_seq_ordering_goes_by_the_named_stream_or_the_first(two_streams, extern_data, order_by, shortest):
    description = {"class": "HDFDataset", "files": [two_streams], "order_by": order_by, "seq_ordering": "sorted"}
    with open_dataset(description, extern_data) as dataset:
        assert dataset.tags(dataset.epoch_order(1, seed=1, default="random"))[0] == shortest


def test_batching_goes_by_the_default_input(two_streams):
    extern_data = {"a": {"dim": 2}, "b": {"dim": 3, "sparse": True, "available_for_inference": True}}
    with open_dataset(two_streams, extern_data) as dataset:
        assert dataset.tags(dataset.epoch_order(1, seed=1, default="sorted"))[0] == "long"


def test_order_by_must_name_a_stream_of_extern_data(two_streams):
    description = {"class": "HDFDataset", "files": [two_streams], "order_by": "bb"}
    with pytest.raises(
        DataError, match="order_by: found no stream 'bb' in extern_data, expected a, b; did you mean 'b'"
    ):
        open_dataset(description, {"a": {"dim": 2}, "b": (3, 1)})


def test_the_order_of_the_description_wins_over_that_of_the_training(two_streams):
    orders = [
        open_dataset({"class": "HDFDataset", "files": [two_streams]} | order)
        for order in ({}, {"seq_ordering": "reverse"})
    ]
    assert [dataset.epoch_order(1, 1, "default").tolist() for dataset in orders] == [[0, 1, 2], [2, 1, 0]]


def test_unknown_lengths_are_measured(two_streams, monkeypatch):
    dataset = open_dataset(two_streams)
    known = {key: lengths.tolist() for key, lengths in dataset.lengths.items()}
    dataset = open_dataset(two_streams)
    monkeypatch.setattr(type(dataset), "lengths", None)
    assert {key: lengths.tolist() for key, lengths in dataset.measured_lengths.items()} == known


def test_the_fingerprint_changes_with_the_lengths(corpus):
    one, again, other = corpus(5), corpus(5, "again.hdf"), corpus(5, "other.hdf", seed=1)
    prints = [open_dataset(made.path, made.extern_data).fingerprint() for made in (one, again, other)]
    assert prints[0] == prints[1] != prints[2]


def test_keys_that_are_no_texts_are_shown_as_they_are():
    with pytest.raises(DataError, match=r"epoch_wise_filter: found the key 1, expected texts or tuples as keys"):
        canonical_description({"class": "HDFDataset", "files": ["a"], "epoch_wise_filter": {1: {"max_mean_len": 5}}})


def test_a_pattern_stands_for_all_files_that_match_unless_a_file_has_its_name(tmp_path):
    for name in ("b.hdf", "a.hdf", "c[1].hdf", "c1.hdf"):
        (tmp_path / name).touch()
    found = canonical_description(f"{tmp_path}/[ab].hdf", as_path=PathOfAJob)
    assert [path.get_path() for path in found["files"]] == [f"{tmp_path}/a.hdf", f"{tmp_path}/b.hdf"]
    assert canonical_description(f"{tmp_path}/c[1].hdf")["files"] == [f"{tmp_path}/c[1].hdf"]
    with pytest.raises(DataError, match=r"files: found no file that matches '.*x\*\.hdf', expected at least one"):
        canonical_description(f"{tmp_path}/x*.hdf")
