"""Any data set as HDF files: the same sequences, streams, tags and names of classes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.data import HdfWriter, open_dataset
from boulder.data.hdf.hdf_copy import copy_to_hdf
from boulder.errors import DataError

STREAMS = {"data": {"dim": 3}, "classes": {"dim": 4, "sparse": True}, "costs": {"dim": None, "shape": (None,)}}
NAMES = [*"abcd"]


def write(path: Path, count: int) -> Path:
    number = np.random.default_rng(count)
    with HdfWriter(path, STREAMS, {"classes": NAMES}) as writer:
        for i in range(count):
            frames, labels = number.integers(0, 5, 2)
            data = {"data": number.normal(size=(frames, 3)), "classes": number.integers(0, 4, labels)}
            writer.write(f"seq-{i}", data | {"costs": number.normal(size=frames)})
    return path


def content(dataset) -> list[tuple]:
    every = range(dataset.num_seqs)
    rows = zip(dataset.tags(every), dataset.read_many(every), strict=True)
    return [(tag, {key: array.tolist() for key, array in row.items()}) for tag, row in rows]


@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 150), shards=st.integers(1, 4))
def test_the_copy_has_the_same_sequences_in_the_same_order(tmp_path_factory, count, shards):
    folder = tmp_path_factory.mktemp("copy")
    files = [folder / f"copy.{number}.hdf" for number in range(shards)]
    with open_dataset(write(folder / "given.hdf", count)) as dataset:
        assert copy_to_hdf(dataset, files) == count
        with open_dataset(files) as copied:
            assert content(copied) == content(dataset)
            assert copied.streams == dataset.streams
            assert copied.label_names("classes") == NAMES


def test_a_file_that_exists_is_not_written_again(tmp_path):
    files = [tmp_path / f"copy.{number}.hdf" for number in range(3)]
    with open_dataset(write(tmp_path / "given.hdf", 9)) as dataset:
        copy_to_hdf(dataset, files)
        before = [file.stat().st_mtime_ns for file in files]
        whole = files[1].read_bytes()
        files[1].unlink()
        assert copy_to_hdf(dataset, files) == 3
    assert [file.stat().st_mtime_ns == time for file, time in zip(files, before, strict=True)] == [True, False, True]
    assert files[1].read_bytes() == whole


def test_only_selected_sequences_are_written(tmp_path):
    (tmp_path / "tags").write_text("seq-3\nseq-1\n")
    listed = {
        "class": "HDFDataset",
        "files": [str(write(tmp_path / "given.hdf", 5))],
        "seq_list_filter_file": str(tmp_path / "tags"),
    }
    with open_dataset(listed) as dataset:
        copy_to_hdf(dataset, [tmp_path / "copy.hdf"])
    with open_dataset(tmp_path / "copy.hdf") as copied:
        assert copied.tags(range(copied.num_seqs)) == ["seq-1", "seq-3"]


def test_a_number_of_classes_that_the_data_does_not_know_is_needed(tmp_path):
    import h5py

    path = write(tmp_path / "given.hdf", 2)
    with h5py.File(path, "r+") as file:
        file["targets/size"].attrs["classes"] = [1, 1]
        del file["targets/labels/classes"]
    with open_dataset(path) as dataset:
        with pytest.raises(
            DataError, match="'classes': the data set does not know the number of classes, expected it in"
        ):
            copy_to_hdf(dataset, [tmp_path / "copy.hdf"])
        assert not (tmp_path / "copy.hdf").exists()
        copy_to_hdf(dataset, [tmp_path / "copy.hdf"], {"classes": {"dim": 7, "sparse": True}})
    with open_dataset(tmp_path / "copy.hdf") as copied:
        assert copied.streams["classes"].dim == 7
