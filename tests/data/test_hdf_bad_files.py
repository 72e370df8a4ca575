"""`HdfDataset` reports missing and broken files, and dimensions other than those of `extern_data`, in one line."""

import zipfile

import h5py
import numpy as np
import pytest

from boulder.data import HdfDataset, open_dataset
from boulder.data.hdf.hdf_file import _reason
from boulder.errors import DataError


def error_of(paths, extern_data=None, action=HdfDataset.check) -> str:
    with pytest.raises(DataError) as caught:
        action(open_dataset(paths, extern_data))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file_is_reported(tmp_path):
    assert error_of(tmp_path / "no.hdf") == f"{tmp_path / 'no.hdf'}: no such file, expected an HDF file"
    (tmp_path / "train.hdf").touch()
    assert error_of(tmp_path / "trian.hdf").endswith("expected an HDF file; did you mean 'train.hdf'?")
    assert "files: found none, expected at least one" in error_of([])


def test_a_zip_file_is_told_its_class(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.txt", "[]")
    assert "a.zip: is a zip file, expected an HDF file; {'class': 'OggZipDataset'" in error_of(tmp_path / "a.zip")


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_reported(corpus, fraction):
    path = corpus(50).path
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
    assert error_of(path).startswith(f"{path}: not a readable HDF file, perhaps truncated: ")


def test_another_layout_is_reported(tmp_path):
    with h5py.File(tmp_path / "a.hdf", "w") as file:
        file["weights"] = [1]
    assert "found weights, expected RETURNN's HDF layout, which has 'seqLengths'" in error_of(tmp_path / "a.hdf")


def _group(file, name):
    file.create_group(name)


def _value(value):
    return lambda file, name: file.__setitem__(name, value)


@pytest.mark.parametrize(
    ("name", "replace", "message"),
    [
        ("inputs", _group, "'inputs' is a group, expected an array, as in RETURNN's HDF layout"),
        ("inputs", _value(3), "'inputs' is a single value, expected an array"),
        ("seqLengths", _group, "'seqLengths' is a group, expected an array"),
        ("seqLengths", _value(["a"] * 3), "seqLengths holds values of type object, expected integers"),
        ("seqLengths", _value([1.5] * 3), "seqLengths holds values of type float64, expected integers"),
        ("seqTags", _group, "'seqTags' is a group"),
        ("targets", _value([1]), "'targets' is no group"),
        ("targets/data", _value([1]), "'targets/data' is no group"),
        ("targets/data/classes", _group, "'targets/data/classes' is a group"),
    ],
)
def test_parts_of_another_type_are_reported(corpus, name, replace, message):
    path = corpus(3).path
    with h5py.File(path, "r+") as file:
        del file[name]
        replace(file, name)
    assert error_of(path).startswith(f"{path}: {message}")


def test_a_dimension_that_is_no_number_is_reported(corpus):
    path = corpus(3).path
    with h5py.File(path, "r+") as file:
        file["targets/size"].attrs["classes"] = "many"
    assert error_of(path) == f"{path}: the dimension of 'classes' is 'many', expected an integer"


def test_a_folder_is_reported(tmp_path):
    assert error_of(tmp_path) == f"{tmp_path}: is a folder, expected an HDF file"
    assert error_of("") == ".: is a folder, expected an HDF file"


def test_a_read_error_is_reported_without_the_details_of_hdf5():
    text = (
        "Can't synchronously read data (file read failed: time = Sat Nov 28, filename = 'a.hdf', file descriptor = 3, "
        "errno = 5, error message = 'Input/output error', buf = 0x55, total read size = 8)"
    )
    assert _reason(OSError(text)) == "Input/output error"
    assert _reason(OSError("file signature\n not found")) == "file signature not found"


def test_a_data_set_without_sequences_names_its_files(corpus):
    full, empty = corpus(3).path, corpus(0, "empty.hdf").path
    assert error_of([empty], action=HdfDataset.check_not_empty) == f"{empty}: found no sequences"
    open_dataset([full, empty]).check_not_empty()


def test_inconsistent_lengths_are_reported(corpus):
    made = corpus(10)
    frames = sum(len(data["classes"]) for _, data in made.sequences)
    with h5py.File(made.path, "r+") as file:
        file["targets/data/classes"].resize(frames - 1, axis=0)
    assert f"'classes' has {frames - 1} frames, expected {frames}, the sum of its seqLengths" in error_of(made.path)


def test_two_streams_of_one_name_are_reported(corpus):
    path = corpus(3).path
    with h5py.File(path, "r+") as file:
        file["targets/data/data"] = file["inputs"][...]
    with pytest.raises(DataError, match="found two streams 'data', 'inputs' and 'targets/data/data', expected one"):
        HdfDataset(files=[path]).check()


def test_negative_lengths_are_reported(corpus):
    made = corpus(10)
    with h5py.File(made.path, "r+") as file:
        file["seqLengths"][3, 0] = -2
    assert "found a length of -2 in seqLengths" in error_of(made.path)


def test_a_wrong_number_of_columns_or_tags_is_reported(corpus):
    made = corpus(10)
    with h5py.File(made.path, "r+") as file:
        file["seqTags"].resize(9, axis=0)
    assert "found 9 seqTags, expected 10" in error_of(made.path)
    with h5py.File(made.path, "r+") as file:
        del file["seqLengths"]
        file["seqLengths"] = np.zeros((10, 2), "int32")
    assert "seqLengths has shape [10, 2], expected [10, 3] for data, aux, classes" in error_of(made.path)


@pytest.mark.parametrize(
    ("extern_data", "message"),
    [
        ({"data": {"dim": 6}}, "'data' holds dense features [T, 5], expected dense features [T, 6]"),
        ({"data": {"dim": 5, "sparse": True}}, "'data' holds dense features [T, 5], expected sparse labels [T] of"),
        ({"data": (5, 1)}, "'data' holds dense features [T, 5], expected sparse"),
        (
            {"classes": (12, 1)},
            "'classes' holds sparse labels [T] of dimension 11, expected sparse labels [T] of dimension 12",
        ),
        ({"classes": (11, 2)}, "'classes' holds sparse labels [T] of dimension 11, expected dense features [T, 11]"),
        ({"clases": (11, 1)}, "found no 'clases' among data, aux, classes, expected sparse labels"),
        ({"clases": (11, 1)}, "; did you mean 'classes'?"),
    ],
)
def test_a_mismatch_with_extern_data_is_reported(corpus, extern_data, message):
    made = corpus(3)
    text = error_of(made.path, extern_data)
    assert text.startswith(f"{made.path}: ")
    assert message in text


def test_all_files_must_have_the_same_streams(corpus, tmp_path):
    made = corpus(3)
    other = tmp_path / "other.hdf"
    other.write_bytes(made.path.read_bytes())
    with h5py.File(other, "r+") as file:
        file["targets/size"].attrs["classes"] = [7, 1]
    text = error_of([made.path, other], action=lambda reader: reader.streams)
    assert text.startswith(f"{other}: 'classes' holds sparse labels [T] of dimension 7, expected")
    assert error_of([made.path, tmp_path / "no.hdf"]).startswith(f"{tmp_path / 'no.hdf'}: no such file")


@pytest.mark.parametrize("wrong", [11, -1])
def test_labels_out_of_range_name_the_sequence(corpus, wrong):
    made = corpus(10)
    index = next(i for i, (_, data) in enumerate(made.sequences) if len(data["classes"]))
    with h5py.File(made.path, "r+") as file:
        file["targets/data/classes"][0] = wrong
    text = error_of(made.path, made.extern_data, lambda reader: reader.read_many(range(10)))
    assert text == f"{made.path}: sequence 'corpus/{index}', 'classes': found label {wrong}, expected 0 to 10"
    open_dataset(made.path, made.extern_data).read_many([8, 9])  # the wrong label is not read


def test_an_index_out_of_range_is_reported(corpus):
    made = corpus(3)
    for index in (3, -1):
        assert f"found sequence index {index}, expected 0 to 2" in error_of(
            made.path, action=lambda r, i=index: r.read(i)
        )
