"""Sequences of several data sets; tests/parity/test_readers_like_returnn.py compares the orders with RETURNN's."""

import numpy as np
import pytest

from boulder.data import HdfWriter, canonical_description, open_dataset, paths_in, read_batch
from boulder.errors import DataError
from tests.data.test_description import PathOfAJob

EXTERN_DATA = {"data": {"dim": 2}, "classes": {"dim": 9, "sparse": True}, "text": {"dim": 9, "sparse": True}}


@pytest.fixture
def parts(tmp_path) -> dict[str, dict]:
    """audio has the sequences a, b, c of 1 to 3 frames; words has d, e of 4 and 5 labels."""
    with HdfWriter(tmp_path / "audio.hdf", {key: EXTERN_DATA[key] for key in ("data", "classes")}) as writer:
        for i, tag in enumerate("abc"):
            writer.write(tag, {"data": np.full((i + 1, 2), i, "float32"), "classes": np.full(i + 1, i, "int32")})
    with HdfWriter(tmp_path / "words.hdf", {"data": EXTERN_DATA["text"]}) as writer:
        for i, tag in enumerate("de", 3):
            writer.write(tag, {"data": np.full(i + 1, i, "int32")})
    return {name: {"class": "HDFDataset", "files": [str(tmp_path / f"{name}.hdf")]} for name in ("audio", "words")}


def combined(parts: dict, **options) -> dict:
    data_map = {("audio", "data"): "data", ("audio", "classes"): "classes", ("words", "data"): "text"}
    return {"class": "CombinedDataset", "datasets": parts, "data_map": data_map, **options}


def orders(description: dict, epochs: int) -> list[str]:
    with open_dataset(description) as dataset:
        dataset.check_not_empty()
        return ["".join(dataset.tags(dataset.epoch_order(epoch, 1, "default"))) for epoch in range(1, epochs + 1)]


def test_a_sequence_is_empty_in_the_streams_of_other_data_sets(parts):
    with open_dataset(combined(parts), EXTERN_DATA) as dataset:
        dataset.check()
        assert list(dataset.streams) == ["data", "classes", "text"]
        batch = read_batch(dataset, np.array([3, 1]))
        assert batch.tags == ["d", "b"]
        assert batch.data["data"].tolist() == [[[0, 0]] * 2, [[1, 1]] * 2]
        assert {key: lengths.tolist() for key, lengths in batch.lengths.items()} == {
            "data": [0, 2],
            "classes": [0, 2],
            "text": [4, 0],
        }
        assert dataset.lengths["text"].tolist() == [0, 0, 0, 4, 5]


def test_only_streams_of_the_network_are_read(parts):
    with open_dataset(combined(parts), EXTERN_DATA, streams=["text"]) as dataset:
        dataset.check()
        assert [sequence["text"].tolist() for sequence in dataset.read_many([4, 0])] == [[4] * 5, []]


def test_partitions_of_the_data_sets_decide_their_share(parts):
    parts["audio"]["partition_epoch"] = 3
    assert orders(combined(parts), 4) == ["ade", "bde", "cde", "ade"]
    assert orders(combined(parts, partition_epoch=2), 2) == ["ad", "e"]


def test_more_parts_than_sequences_of_an_epoch_are_reported(parts):
    parts["audio"]["partition_epoch"] = 3
    with (
        open_dataset(combined(parts, partition_epoch=4)) as dataset,
        pytest.raises(DataError, match="4 parts of 3 sequences"),
    ):
        dataset.check_not_empty()


def test_samples_go_on_where_the_epoch_before_has_ended(parts):
    assert orders(combined(parts, sampling_sizes={"audio": 2, "words": 1}), 3) == ["abd", "cae", "bcd"]
    assert orders(combined(parts, sampling_sizes=1, seq_ordering="sorted_reverse"), 2) == ["da", "eb"]


def test_interleaving_reads_the_same_part_of_each_data_set(parts):
    assert orders(combined(parts, seq_ordering="interleave"), 1) == ["adbce"]


def test_names_of_labels_are_those_of_the_first_data_set_that_has_them(parts, tmp_path):
    with HdfWriter(tmp_path / "words.hdf", {"data": {"dim": 2, "sparse": True}}, {"data": ["no", "yes"]}) as writer:
        writer.write("d", {"data": [1]})
    with open_dataset(combined(parts)) as dataset:
        assert dataset.label_names("text") == ["no", "yes"]
        assert dataset.label_names("data") is None


def test_the_description_is_plain_and_has_the_paths_of_its_parts(parts):
    found = canonical_description(combined(parts, data_dims={"data": (2, 2)}), as_path=PathOfAJob)
    assert len(list(paths_in(found))) == 2
    assert found["data_map"][0] == [["audio", "data"], "data"]
    assert "data_dims" not in found
    assert canonical_description(found) == found


def test_streams_of_one_name_must_be_alike(parts):
    data_map = {("audio", "data"): "data", ("words", "data"): "data"}
    with (
        open_dataset(combined(parts) | {"data_map": data_map}) as dataset,
        pytest.raises(
            DataError, match=r"'data': found dense features .* and, in 'words', sparse labels .* expected the"
        ),
    ):
        _ = dataset.streams


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data_map": {}}, r"data_map: found \{\}, expected a dict, \(data set, its stream\) → stream"),
        ({"data_map": {"audio": "data"}}, r"data_map: found \('audio', 'data'\), expected \(data set"),
        ({"data_map": {("adio", "data"): "data"}}, "data_map: found no data set 'adio', .*; did you mean 'audio'"),
        ({"data_map": {("audio", "dta"): "data"}}, "'audio' has no stream 'dta', only data.*; did you mean 'data'"),
        ({"data_map": [(("audio", "data"), "x"), (("audio", "classes"), "x")]}, "two streams of 'audio' for 'x'"),
        ({"sampling_sizes": {"audio": 1}}, "sampling_sizes: found None for 'words', expected a number of sequences"),
        (
            {"sampling_sizes": 1, "partition_epoch": 2},
            "partition_epoch: found 2, expected it in the data sets, with samp",
        ),
        ({"sampling_sizes": 1, "seq_ordering": "interleave"}, "found sampling_sizes and seq_ordering 'interleave'"),
        ({"seq_ordering": "interleave", "repeat_epoch": 2}, "repeat_epoch: found 2, expected it in the data sets"),
        ({"seq_ordering": "random_datset"}, "seq_ordering: found 'random_datset'"),
        ({"interleave_gumbel_scale": "left"}, "interleave_gumbel_scale: found 'left', expected a number"),
    ],
)
def test_wrong_options_are_reported(parts, options, message):
    with pytest.raises(DataError, match=message), open_dataset(combined(parts) | options) as dataset:
        dataset.check()


def test_other_data_sets_have_no_order_of_data_sets(parts):
    with pytest.raises(DataError, match="seq_ordering: found 'interleave', which only a CombinedDataset has"):
        open_dataset(parts["audio"] | {"seq_ordering": "interleave"})
