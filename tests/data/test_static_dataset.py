"""Sequences in the description itself; tests/parity/test_readers_like_returnn.py compares them with RETURNN's."""

import json

import numpy as np
import pytest

from boulder.data import canonical_description, open_dataset
from boulder.errors import DataError

EXTERN_DATA = {"data": {"dim": 2}, "classes": {"dim": 5, "sparse": True}}
DATA = [
    {"data": np.array([[1, 2], [3, 4]], "float32"), "classes": np.array([4], "int32")},
    {"data": np.zeros((0, 2), "float32"), "classes": np.array([1, 2, 3], "int32")},
]


def described(data: object = DATA, **options) -> dict:
    return {"class": "StaticDataset", "data": data, **options}


def test_the_arrays_are_plain_json_and_come_back():
    plain = canonical_description(described(target_list=["classes"]))
    assert json.loads(json.dumps(plain)) == plain
    assert "target_list" not in plain
    with open_dataset(plain, EXTERN_DATA) as dataset:
        dataset.check()
        assert dataset.tags([1, 0]) == ["seq-1", "seq-0"]
        assert {key: lengths.tolist() for key, lengths in dataset.lengths.items()} == {
            "data": [2, 0],
            "classes": [1, 3],
        }
        for found, expected in zip(dataset.read_many([0, 1]), DATA, strict=True):
            assert all(
                np.array_equal(found[key], expected[key]) and found[key].dtype == expected[key].dtype for key in found
            )


def test_numbers_that_are_not_finite_come_back():
    with open_dataset({"class": "StaticDataset", "data": [{"data": np.array([[1, np.nan], [np.inf, 2]])}]}) as dataset:
        assert np.array_equal(dataset.read(0)["data"], [[1, np.nan], [np.inf, 2]], equal_nan=True)


def test_dimensions_are_declared_or_those_of_the_arrays():
    with open_dataset(described()) as dataset:
        assert (dataset.streams["data"].dim, dataset.streams["classes"].dim) == (2, None)
    with open_dataset(described(output_dim={"classes": 7}, input_dim=2)) as dataset:
        assert (dataset.streams["data"].dim, dataset.streams["classes"].dim) == (2, 7)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], r"data: found \[\], expected a list of sequences"),
        ([[1]], r"data\[0\]: found \[1\], expected a dict: stream → array"),
        ([{"data": [1]}, {"classes": [1]}], r"data\[1\]: found .*, expected a dict with data"),
        ([{"data": [[1.0, 2.0]], "classes": [5]}], "sequence 'seq-0', 'classes': found label 5, expected 0 to 4"),
        ([{"data": [[1.0, 2.0]], "classes": [0.5]}], "'classes' holds dense features .*, expected sparse labels"),
        (
            [{"data": [[1.0, 2.0, 3.0]], "classes": [1]}],
            "'data' holds dense features .*3.*, expected dense features .*2",
        ),
        ([{"data": [[1.0, 2.0]]}], "data: found no 'classes' among data, expected sparse labels"),
        ([{"data": [[1.0, 2.0], [3.0]], "classes": [1]}], "'data': found rows of different size in"),
        ([{"data": [["a", "b"]], "classes": [1]}], "'data': found .*, expected an array of numbers"),
        ([{"data": 1.0, "classes": [1]}], r"'data' has 0 axes, expected \[T\], \[T, D\] or \[T, …, D\]"),
    ],
)
def test_wrong_data_is_reported(data, message):
    with pytest.raises(DataError, match=message):
        read(described(data))


def read(description: dict) -> None:
    with open_dataset(description, EXTERN_DATA) as dataset:
        dataset.check()
        dataset.read_many(range(dataset.num_seqs))
