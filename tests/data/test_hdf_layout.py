"""`HdfWriter` writes RETURNN's HDF layout, and a complete file or none."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

from boulder.data import HdfWriter, open_dataset
from boulder.errors import DataError

EXTERN_DATA = {"data": {"dim": 2}, "zeta": (4, 2), "classes": {"dim": 3, "sparse": True}}


def write(path, **kwargs):
    with HdfWriter(path, EXTERN_DATA, **kwargs) as writer:
        writer.write("a", {"data": np.ones((2, 2)), "zeta": np.zeros((1, 4)), "classes": [0, 2, 1]})
        writer.write("bä", {"data": np.ones((3, 2)), "zeta": np.zeros((5, 4)), "classes": [2]})


def test_the_layout_is_returnns(tmp_path):
    write(tmp_path / "a.hdf", labels={"classes": ["x", "y", "ü"]})
    with h5py.File(tmp_path / "a.hdf") as file:
        assert file["inputs"].shape == (5, 2)
        assert file["inputs"].dtype == "float32"
        assert file["seqLengths"][...].tolist() == [[2, 3, 1], [3, 1, 5]]  # data, then the targets in sorted order
        assert file["seqLengths"].dtype == "int32"
        assert [tag.decode() for tag in file["seqTags"]] == ["a", "bä"]
        assert sorted(file["targets/data"]) == ["classes", "zeta"]
        assert file["targets/data/classes"][...].tolist() == [0, 2, 1, 2]
        assert file["targets/data/classes"].dtype == "int32"
        assert file["targets/data/zeta"].shape == (6, 4)
        assert {key: list(size) for key, size in file["targets/size"].attrs.items()} == {
            "classes": [3, 1],
            "zeta": [4, 2],
        }
        assert [label.decode() for label in file["targets/labels/classes"]] == ["x", "y", "ü"]
        assert len(file["targets/labels/zeta"]) == 4
        assert dict(file.attrs) == {
            "inputPattSize": 2,
            "numLabels": 2,
            "numDims": 1,
            "numSeqs": 2,
            "numTimesteps": 5,
        }


def test_a_file_without_targets_has_the_column_that_returnn_expects(tmp_path):
    with HdfWriter(tmp_path / "a.hdf", {"data": {"dim": 9, "sparse": True}}) as writer:
        writer.write("a", {"data": [1, 8]})
    with h5py.File(tmp_path / "a.hdf") as file:
        assert file["seqLengths"][...].tolist() == [[2, 0]]
        assert "targets" not in file
        assert file["inputs"].shape == (2,)
        assert file.attrs["inputPattSize"] == 9


def test_the_file_appears_once_it_is_complete(tmp_path):
    path = tmp_path / "a.hdf"
    path.write_text("what was there before")
    with HdfWriter(path, {"data": (9, 1)}) as writer:
        writer.write("a", {"data": [1]})
        assert path.read_text() == "what was there before"
    assert h5py.is_hdf5(path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.hdf"]


def test_an_exception_in_the_block_leaves_no_file(tmp_path):
    def fail():
        with HdfWriter(tmp_path / "a.hdf", {"data": (9, 1)}) as writer:
            writer.write("a", {"data": [1]})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_failed_flush_at_the_end_leaves_only_the_old_file(tmp_path, monkeypatch):
    def fail(_descriptor):
        raise OSError(28, "No space left on device")

    path = tmp_path / "a.hdf"
    path.write_text("old content")
    monkeypatch.setattr("os.fsync", fail)
    with (
        pytest.raises(DataError, match=r"a\.hdf: cannot be written: .*No space left"),
        HdfWriter(path, {"data": (9, 1)}) as writer,
    ):
        writer.write("a", {"data": [1]})
    assert [file.name for file in tmp_path.iterdir()] == ["a.hdf"]
    assert path.read_text() == "old content"


def test_a_full_disk_leaves_no_file(tmp_path):
    script = """
import resource, sys, numpy as np
from boulder.data import HdfWriter
from boulder.errors import DataError
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    with HdfWriter(sys.argv[1], {"data": {"dim": 1000}}) as writer:
        for i in range(1000):
            writer.write(str(i), {"data": np.zeros((10, 1000))})
except DataError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.hdf")], capture_output=True, text=True, check=True
    )
    assert "a.hdf: cannot be written: " in done.stdout
    assert len(done.stdout.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_reported(tmp_path):
    with (
        pytest.raises(DataError, match=r"missing/a\.hdf: cannot be written: "),
        HdfWriter(tmp_path / "missing/a.hdf", {"data": 3}),
    ):
        pass


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"data": np.ones((2, 3)), "classes": [0]},
            r"'t', 'data': found shape \[2, 3\], expected dense features \[T, 2\]",
        ),
        ({"data": np.ones(2), "classes": [0]}, r"'data': found shape \[2\]"),
        (
            {"data": np.ones((1, 2)), "classes": [[0]]},
            r"'classes': found shape \[1, 1\], expected sparse labels \[T\] of dim",
        ),
        ({"data": np.ones((1, 2)), "classes": [0.5]}, "'classes': found float64, expected integers"),
        ({"data": np.ones((1, 2)), "classes": [0, 3]}, "'classes': found labels 0 to 3, expected 0 to 2"),
        ({"data": np.ones((1, 2)), "classes": [-1, 2]}, "'classes': found labels -1 to 2"),
        ({"data": np.full((1, 2), "x"), "classes": []}, "'data': found <U1, expected numbers"),
        ({"data": np.ones((1, 2))}, "has the data keys data, expected classes, data"),
    ],
)
def test_errors_name_the_sequence(tmp_path, data, message):
    def fail():
        with HdfWriter(tmp_path / "a.hdf", {"data": (2, 2), "classes": (3, 1)}) as writer:
            writer.write("t", data)

    with pytest.raises(DataError, match=message) as caught:
        fail()
    assert "a.hdf: sequence 't'" in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("extern_data", "labels", "message"),
    [
        ({}, None, "extern_data is empty, expected at least one stream"),
        ({"data": {"sparse": True, "dim": None}}, None, r"extern_data\['data'\] has no dim"),
        ({"data": {"dmi": 3}}, None, r"extern_data\['data'\]: found no 'dim', but 'dmi'; did you mean 'dim'"),
        ({"data": {"dtype": "int32"}}, None, r"extern_data\['data'\]: found no 'dim'$"),
        ({"data": {"dim": 0}}, None, r"extern_data\['data'\]: found dim 0, expected an integer of at least 1"),
        ({"data": (3, 5)}, None, r"extern_data\['data'\]: found \(3, 5\), expected a dict"),
        ([], None, r"extern_data: found \[\], expected a dict"),
        ({"data": 3}, {"data": ["a"]}, "found 1 label for 'data', expected 3"),
        ({"data": 3}, {"classes": ["a"]}, "labels for 'classes', which extern_data lacks"),
    ],
)
def test_wrong_extern_data_is_reported(tmp_path, extern_data, labels, message):
    with pytest.raises(DataError, match=message):
        HdfWriter(tmp_path / "a.hdf", extern_data, labels)


def test_wrong_use_is_reported(tmp_path):
    writer = HdfWriter(tmp_path / "a.hdf", {"data": 3})
    with pytest.raises(DataError, match="expected it inside `with`"):
        writer.write("a", {"data": [1]})
    with writer, pytest.raises(DataError, match="found sequence tag 5, expected a str"):
        writer.write(5, {"data": [1]})


def test_names_of_labels_are_read_if_there_is_one_for_each(tmp_path):
    streams = {"data": {"dim": 3}, "classes": {"dim": 2, "sparse": True}}
    with HdfWriter(tmp_path / "a.hdf", streams, {"classes": ["a", "b"]}) as writer:
        writer.write("t", {"data": np.zeros((1, 3)), "classes": [1]})
    with open_dataset(tmp_path / "a.hdf", streams, streams=["data"]) as dataset:
        assert dataset.label_names("classes") == ["a", "b"]
        assert dataset.label_names("data") is None
        assert dataset.label_names("other") is None
    with h5py.File(tmp_path / "a.hdf", "a") as file:
        file["targets/size"].attrs["classes"] = [3, 1]
    with open_dataset(tmp_path / "a.hdf") as dataset:
        assert dataset.label_names("classes") is None


def test_half_floats_and_a_file_of_targets_only_are_read(tmp_path):
    with h5py.File(tmp_path / "a.hdf", "w") as file:
        file["seqTags"] = np.array([b"a", b"b"])
        file["seqLengths"] = np.array([[3, 2], [1, 1]], "int32")  # sorted: bpe, features
        file["targets/data/features"] = np.array([[0.5], [1.5], [2.5]], "float16")
        file["targets/data/bpe"] = np.array([1, 2, 7, 3], "int32")
        file.create_group("targets/labels")
        file.create_group("targets/size").attrs.update({"features": [1, 2], "bpe": [1, 1]})  # of an unknown dimension
    streams = {"features": {"dim": 1, "available_for_inference": True}, "bpe": {"dim": 8, "sparse": True}}
    with open_dataset(tmp_path / "a.hdf", streams) as dataset:
        first = dataset.read(0)
        assert (first["features"].dtype, first["features"].tolist()) == ("float32", [[0.5], [1.5]])
        assert first["bpe"].tolist() == [1, 2, 7]
        assert dataset.order_stream == "features"
        assert dataset.ordering_lengths.tolist() == [3, 1]  # RETURNN orders by the first column
