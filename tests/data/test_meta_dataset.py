"""Streams of several data sets, joined by tags; tests/parity/test_orders_like_returnn.py compares the orders with RETURNN's."""

import pickle

import numpy as np
import pytest

from boulder.data import HdfWriter, canonical_description, form_batches, open_dataset, paths_in, read_batch
from boulder.errors import DataError

EXTERN_DATA = {"data": {"dim": 2}, "text": {"dim": 99, "sparse": True}}


@pytest.fixture
def parts(tmp_path) -> dict[str, dict]:
    """Sequence i has i + 1 frames of the value i in both; text lies in another order."""
    for name, keys, tags in (
        ("audio", {"data": {"dim": 2}}, "abcd"),
        ("words", {"data": EXTERN_DATA["text"]}, "cadbx"),
    ):
        with HdfWriter(tmp_path / f"{name}.hdf", keys) as writer:
            for tag in tags:
                i = "abcdx".index(tag)
                writer.write(tag, {"data": np.full((i + 1, 2) if name == "audio" else i + 1, i, "int32")})
    return {name: {"class": "HDFDataset", "files": [str(tmp_path / f"{name}.hdf")]} for name in ("audio", "words")}


def joined(parts: dict, **options) -> dict:
    data_map = {"data": ("audio", "data"), "text": ("words", "data")}
    return {"class": "MetaDataset", "datasets": parts, "data_map": data_map, **options}


def test_streams_are_joined_by_tag(parts):
    with open_dataset(joined(parts), EXTERN_DATA) as dataset:
        dataset.check()
        dataset.check_not_empty()
        batch = read_batch(dataset, np.array([3, 0]))
        assert batch.tags == ["d", "a"]
        assert batch.data["text"].tolist() == [[3] * 4, [0] * 4]
        assert batch.data["data"][:, 0, 0].tolist() == [3, 0]
        assert dataset.lengths["text"].tolist() == dataset.lengths["data"].tolist() == [1, 2, 3, 4]
        assert [len(seqs) for seqs in form_batches(np.arange(4), dataset.all_lengths, 6)] == [2, 1, 1]


def test_only_streams_of_the_network_are_read(parts):
    with open_dataset(joined(parts), EXTERN_DATA, streams=["text"]) as dataset:
        dataset.check()
        assert list(dataset.streams) == ["text"]
        assert [list(sequence) for sequence in dataset.read_many([1])] == [["text"]]


def test_tags_may_differ_between_the_data_sets(parts, tmp_path):
    path = tmp_path / "lists.pkl"
    path.write_bytes(pickle.dumps({"audio": ["b", "a"], "words": ["x", "c"]}))
    with open_dataset(joined(parts, seq_list_file=str(path))) as dataset:
        assert dataset.tags([0, 1]) == ["b", "a"]
        assert [sequence["text"][0] for sequence in dataset.read_many([0, 1])] == [4, 2]


def test_a_data_set_controls_the_order(parts):
    parts["words"] |= {"seq_ordering": "sorted_reverse", "partition_epoch": 2, "files": parts["words"]["files"]}
    with (
        open_dataset(joined(parts, seq_order_control_dataset="words")) as dataset,
        pytest.raises(DataError, match=r"data set 'audio': found no 'x'; 1 sequence of 'words' is missing"),
    ):
        dataset.check()
    parts["audio"] |= {"seq_ordering": "sorted_reverse", "partition_epoch": 2}
    with open_dataset(joined(parts, seq_order_control_dataset="audio")) as dataset:
        orders = ["".join(dataset.tags(dataset.epoch_order(epoch, 1, "random"))) for epoch in (1, 2, 3)]
    assert orders == ["dc", "ba", "dc"]


def test_the_description_has_the_paths_of_its_parts_and_their_defaults_left_out(parts):
    from tests.data.test_description import PathOfAJob

    parts["audio"]["seq_ordering"] = None
    found = canonical_description(joined(parts, seq_list_file={"audio": "a", "words": "w"}), as_path=PathOfAJob)
    assert len(list(paths_in(found))) == 4
    assert list(found["datasets"]["audio"]) == ["class", "files"]
    assert found["data_map"] == {"data": ["audio", "data"], "text": ["words", "data"]}
    assert canonical_description(found) == found


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data_map": {}}, r"data_map: found \{\}, expected a dict, stream → \(data set, its stream\)"),
        ({"data_map": {"data": "audio"}}, r"data_map\['data'\]: found 'audio', expected \(data set, its stream\)"),
        ({"data_map": {"data": ("adio", "data")}}, r"data_map\['data'\]: found no data set 'adio', .*; did you mean 'audio'"),
        ({"data_map": {"text": ("audio", "data")}}, "data_map: found text, expected 'data', or a seq_order_control_dataset"),
        ({"data_map": {"data": ("audio", "dta")}}, "'audio' has no stream 'dta', only data.*; did you mean 'data'"),
        ({"seq_order_control_dataset": "word"}, "seq_order_control_dataset: found no data set 'word', .*'words'"),
        ({"seq_order_control_dataset": ["audio"]}, r"seq_order_control_dataset: found no data set \['audio'\], expected"),
        ({"seq_lens_file": {"audio": "a"}}, r"seq_lens_file: found \{'audio': 'a'\}, expected a path"),
        ({"seq_list_file": {"audio": "a"}}, "seq_list_file: found audio, expected a file for 'words', too"),
        ({"skip_missing_tags": 1}, "skip_missing_tags: found 1, expected True or False"),
        (
            {"seq_order_control_dataset": "audio", "partition_epoch": 2},
            "partition_epoch: found 2, which RETURNN ignores here, expected it as an option of 'audio', the seq_order_control",
        ),
        ({"datasets": {}}, r"datasets: found \{\}, expected a dict, name → description"),
        ({"datasets": {"audio": {"class": "HDFDatset"}}}, r"datasets\['audio'\]: unknown data set class 'HDFDatset'"),
    ],
)  # fmt: skip
def test_wrong_options_are_reported(parts, options, message):
    with pytest.raises(DataError, match=message), open_dataset(joined(parts) | options) as dataset:
        dataset.check()


def test_sequences_that_a_data_set_lacks_or_has_twice_are_named(parts, tmp_path):
    tags = tmp_path / "tags"
    tags.write_text("a\ny\nx\nz\nw\n")
    with open_dataset(joined(parts, seq_list_file=str(tags))) as dataset:
        message = "data set 'audio': found no 'y', 'x', 'z', …; 4 sequences of seq_list_file are missing"
        with pytest.raises(DataError, match=message):
            dataset.check()
    tags.write_text("b\na\n")
    with (
        open_dataset(joined(parts, seq_list_file=str(tags), seq_order_control_dataset="audio")) as dataset,
        pytest.raises(
            DataError, match="seq_list_file: found other sequences than in 'audio', expected those, in the same"
        ),
    ):
        dataset.check()
    parts["words"]["files"] = parts["words"]["files"] * 2
    with (
        open_dataset(joined(parts)) as dataset,
        pytest.raises(DataError, match="data set 'words': found the sequence 'c' twice"),
    ):
        dataset.check()


def test_a_stream_that_the_network_needs_and_the_data_lacks_is_reported(parts):
    with (
        open_dataset(joined(parts), EXTERN_DATA | {"txt": {"dim": 3}}) as dataset,
        pytest.raises(DataError, match="data_map: found no stream 'txt', only data, text; did you mean 'text'"),
    ):
        dataset.check()


def test_lengths_of_a_file_must_be_complete(parts, tmp_path):
    path = tmp_path / "lengths"
    path.write_text(repr({"a": {"data": 3}, "b": {"text": 2}}))
    with (
        open_dataset(joined(parts, seq_lens_file=str(path), seq_ordering="sorted")) as dataset,
        pytest.raises(DataError, match=r"lengths: found \{'text': 2\} for the sequence 'b', expected lengths of data"),
    ):
        dataset.epoch_order(1, 1, "default")


@pytest.mark.parametrize("length", ["3", 1.5, -1, None, 2**31])
def test_lengths_of_a_file_must_be_numbers_of_frames(parts, tmp_path, length):
    path = tmp_path / "lengths"
    path.write_text(repr({tag: {"data": length} for tag in "abcd"}))
    with (
        open_dataset(joined(parts, seq_lens_file=str(path))) as dataset,
        pytest.raises(DataError, match=f"lengths: 'data' of the sequence 'a': found {length!r}, expected a number of"),
    ):
        _ = dataset.all_lengths


def test_names_of_labels_are_those_of_the_data_set_of_a_stream(parts, tmp_path):
    streams = {"data": {"dim": 2, "sparse": True}}
    with HdfWriter(tmp_path / "words.hdf", streams, {"data": ["no", "yes"]}) as writer:
        for tag in "abcd":
            writer.write(tag, {"data": [1]})
    with open_dataset(joined(parts)) as dataset:
        assert dataset.label_names("text") == ["no", "yes"]
        assert dataset.label_names("data") is None
        assert dataset.label_names("other") is None


def test_the_fingerprint_changes_with_the_file_of_lengths_which_decide_the_batches(parts, tmp_path):
    path = tmp_path / "lengths.txt"
    found = []
    for lengths in ("a", "b"), ("b", "a"), ("a", "b"):
        path.write_text(str({tag: {"data": lengths.index(tag) + 1 if tag in lengths else 3} for tag in "abcd"}))
        with open_dataset(joined(parts, seq_lens_file=str(path))) as dataset:
            found.append(dataset.full_fingerprint())
    assert found[0] == found[2] != found[1]


@pytest.mark.parametrize("control", [None, "words"])
def test_sequences_that_a_data_set_lacks_are_left_out_if_allowed(parts, control):
    data_map = {"data": ("words", "data"), "text": ("audio", "data")}
    described = {"class": "MetaDataset", "datasets": parts, "data_map": data_map, "skip_missing_tags": True}
    if control is not None:
        parts[control] |= {"seq_ordering": "reverse"}
        described |= {"seq_order_control_dataset": control}
    with open_dataset(described) as dataset:
        with pytest.warns(
            UserWarning, match="data set 'audio': found no 'x'; 1 sequence of 'words' is missing and left out"
        ):
            dataset.check()
        order = dataset.epoch_order(1, 1, "default")
        assert "".join(dataset.tags(order)) == ("bdac" if control else "cadb")
        assert all(sequence["data"][0] == sequence["text"][0, 0] for sequence in dataset.read_many(order))
        assert dataset.lengths["data"].tolist() == [3, 1, 4, 2]


def test_data_dims_do_not_enter_the_hash(parts):
    assert canonical_description(joined(parts, data_dims={"data": [2, 2]})) == canonical_description(joined(parts))


def test_an_empty_list_of_sequences_is_named(parts, tmp_path):
    tags = tmp_path / "tags"
    tags.write_text("")
    with (
        open_dataset(joined(parts, seq_list_file=str(tags))) as dataset,
        pytest.raises(DataError, match=f"^{tags}: found no sequence tags, expected one per line"),
    ):
        dataset.check()
