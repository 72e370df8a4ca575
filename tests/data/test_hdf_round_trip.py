"""`HdfDataset` reads the files that `HdfWriter` writes."""

import tempfile
from pathlib import Path

import h5py
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from boulder.data import HdfWriter, open_dataset
from boulder.data.hdf import hdf_dataset, hdf_file, hdf_writer


def assert_same(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)
        assert found[key].dtype == ("float32" if key == "data" else "int32")


@settings(max_examples=30, deadline=None)
@given(
    sequences=st.lists(
        st.tuples(
            st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8),
            hnp.arrays("float32", st.tuples(st.integers(0, 4), st.just(2)), elements=st.floats(width=32)),
            hnp.arrays("int32", st.integers(0, 4), elements=st.integers(0, 6)),
        ),
        max_size=12,
    ),
    buffered=st.integers(1, 5),
    seed=st.integers(0, 9),
)
def test_sequences_are_read_back_in_any_order(sequences, buffered, seed):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(hdf_writer, "_BUFFER_SEQS", buffered)
        path = Path(folder, "data.hdf")
        with HdfWriter(path, {"data": {"dim": 2}, "classes": (7, 1)}) as writer:
            for tag, data, classes in sequences:
                writer.write(tag, {"data": data, "classes": classes})
        with open_dataset(path) as reader:
            assert reader.num_seqs == len(sequences)
            order = np.random.default_rng(seed).permutation(len(sequences))
            for i, found in zip(order, reader.read_many(order), strict=True):
                assert_same(found, {"data": sequences[i][1], "classes": sequences[i][2]})
            assert reader.tags(order) == [sequences[i][0] for i in order]


def test_streams_and_lengths_of_a_file(corpus):
    made = corpus(20)
    reader = open_dataset(made.path, made.extern_data)
    assert tuple(reader.streams) == ("data", "aux", "classes")
    for key in tuple(reader.streams):
        expected = [len(data[key]) for _, data in made.sequences]
        assert reader.lengths[key].tolist() == expected
        assert reader.lengths[key].dtype == "int32"
    assert [(s.dim, s.sparse, s.dtype, s.feature_shape) for s in reader.streams.values()] == [
        (5, False, "float32", (5,)),
        (3, True, "int32", ()),
        (11, True, "int32", ()),
    ]
    assert open_dataset(made.path).streams == reader.streams


def test_sequences_of_several_files_are_concatenated(corpus):
    one, two = corpus(7, "one.hdf", seed=1), corpus(5, "two.hdf", seed=2)
    reader = open_dataset([one.path, two.path])
    sequences = one.sequences + two.sequences
    assert reader.num_seqs == 12
    order = [11, 3, 6, 7, 3]
    for i, found in zip(order, reader.read_many(order), strict=True):
        assert_same(found, sequences[i][1])
    assert reader.tags(order) == [sequences[i][0] for i in order]
    assert reader.tag(7) == two.sequences[0][0]


def test_only_the_wanted_streams_are_read(corpus):
    made = corpus(5)
    reader = open_dataset(made.path, {"classes": {"dim": 11, "sparse": True}})
    assert tuple(reader.streams) == ("classes",)
    assert_same(reader.read(2), {"classes": made.sequences[2][1]["classes"]})


def test_neighbours_are_read_in_one_access(corpus, monkeypatch):
    made = corpus(40)
    reader = open_dataset(made.path)
    reader.check()
    calls = []
    rows = hdf_file.HdfFile.rows
    monkeypatch.setattr(hdf_file.HdfFile, "rows", lambda self, *args: calls.append(args) or rows(self, *args))
    reader.read_many(np.arange(10, 20))
    assert len(calls) == 3  # one for each key
    calls.clear()
    monkeypatch.setattr(hdf_dataset, "_GAP_BYTES", 0)
    first = next(i for i in range(40) if all(len(array) for array in made.sequences[i][1].values()))
    for i, found in zip([39, first, 0], reader.read_many([39, first, 0]), strict=True):
        assert_same(found, made.sequences[i][1])
    assert 3 < len(calls) <= 9


def test_files_are_opened_lazily_and_reopened_after_closing(corpus):
    made = corpus(3)
    reader = open_dataset(made.path)
    assert not reader._opened
    first = reader.read(1)
    reader.close()
    assert not reader._opened
    assert_same(reader.read(1), first)


def test_tags_of_large_files_are_not_cached(corpus, monkeypatch):
    made = corpus(9)
    monkeypatch.setattr(hdf_file, "_TAGS_KEPT", 3)
    assert open_dataset(made.path).tags([8, 2]) == ["corpus/8", "corpus/2"]


def test_a_dense_stream_without_feature_axis(tmp_path):
    wave = np.arange(4, dtype="float32")
    with HdfWriter(tmp_path / "wave.hdf", {"data": {"shape": (None,), "dim": None}}) as writer:
        writer.write("a", {"data": wave})
    reader = open_dataset(tmp_path / "wave.hdf")
    np.testing.assert_array_equal(reader.read(0)["data"], wave)
    assert reader.streams["data"].feature_shape == ()


def test_the_caller_may_reuse_an_array(tmp_path):
    array = np.zeros(3, "int32")
    with HdfWriter(tmp_path / "a.hdf", {"data": (9, 1)}) as writer:
        for i in range(3):
            array[:] = i
            writer.write(str(i), {"data": array})
    assert [int(found["data"][0]) for found in open_dataset(tmp_path / "a.hdf").read_many([0, 1, 2])] == [0, 1, 2]


def test_files_of_other_writers_of_returnn_are_read(tmp_path):
    """`HDFDatasetWriter`: fixed-size tags, sizes as scalars or pairs, no column for missing streams; wider types."""
    with h5py.File(tmp_path / "other.hdf", "w") as file:
        file["inputs"] = np.arange(12, dtype="float64").reshape(6, 2)
        file["seqLengths"] = np.array([[2, 1, 1], [4, 2, 0]], "int32")
        file["seqTags"] = np.array([b"a\0\0", b"bc"], "S4")
        file["targets/data/classes"] = np.array([3, 1, 2], "int64")
        file["targets/data/raw"] = np.array([b"x"], "S2")
        file.create_group("targets/size").attrs.update({"classes": 4, "raw": (1, 1)})
        file.create_group("targets/labels")
        file.attrs["inputPattSize"] = 2
    reader = open_dataset(tmp_path / "other.hdf")
    assert tuple(reader.streams) == ("data", "classes")
    assert reader.tags([0, 1]) == ["a", "bc"]
    assert_same(reader.read(1), {"data": np.arange(4, 12).reshape(4, 2), "classes": np.array([1, 2])})
    with h5py.File(tmp_path / "old.hdf", "w") as file:
        file["inputs"] = np.arange(3, dtype="uint8")
        file["seqLengths"] = np.array([1, 2], "int32")
        file["seqTags"] = np.array([b"a", b"b"])
        file.attrs["inputPattSize"] = 256
    old = open_dataset(tmp_path / "old.hdf")
    assert old.streams["data"].dim == 256
    np.testing.assert_array_equal(old.read(1)["data"], [1, 2])
