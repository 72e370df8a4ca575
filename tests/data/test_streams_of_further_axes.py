"""Streams whose frames have further axes of static sizes, such as the microphones or the neighbours of a frame."""

import h5py
import numpy as np
import pytest

from boulder.data import HdfWriter, open_dataset, read_batch
from boulder.data.feed import tensor_spec
from boulder.data.streams import read_extern_data
from boulder.errors import DataError
from boulder.network.axes import Batch, Feature, Spatial, Time
from boulder.network.template import extern_templates

EXTERN_DATA = {"data": {"dim": 4, "shape": (None, 3, 4)}, "image": {"shape": (2, 2, 5)}, "plane": {"shape": (3, 4)}}
SEQUENCES = [
    {
        "data": np.random.default_rng(frames).normal(size=(frames, 3, 4)).astype("float32"),
        "image": np.full((1, 2, 2, 5), frames, "float32"),
        "plane": np.full((3, 4), frames, "float32"),  # as frames
    }
    for frames in (2, 5, 3)
]


def test_their_axes_are_static_and_distinct():
    templates = extern_templates(EXTERN_DATA)
    assert templates["data"].axes == (Batch, Time("data"), Spatial(3), Feature(4))
    assert templates["image"].axes == (Batch, Spatial(2), Spatial(2, 1), Feature(5))
    bare = extern_templates({"data": {"shape": (None, 3, 3), "dim": None, "feature_dim_axis": None}})
    assert bare["data"].axes == (Batch, Time("data"), Spatial(3), Spatial(3, 1))


def write(path) -> str:
    streams = {"data": EXTERN_DATA["data"], "image": {"shape": (None, 2, 2, 5)}, "plane": {"dim": 4}}
    with HdfWriter(path, streams) as writer:
        for i, sequence in enumerate(SEQUENCES):
            writer.write(f"seq-{i}", sequence)
    return str(path)


def of_hdf(path) -> dict:
    return {"class": "HDFDataset", "files": [write(path)]}


def of_chunks(path) -> dict:
    """:return: a file in which the frames are cut between the chunks"""
    description = of_hdf(path)
    with h5py.File(path, "r+") as file:
        frames = file["inputs"][:]
        del file["inputs"]
        file.create_dataset("inputs", data=frames, chunks=(10, 3, 2))
    return description


def of_arrays(path) -> dict:
    return {"class": "StaticDataset", "data": SEQUENCES}


@pytest.mark.parametrize("describe", [of_hdf, of_chunks, of_arrays])
def test_batches_are_padded_in_time(tmp_path, describe):
    with open_dataset(describe(tmp_path / "x.hdf"), EXTERN_DATA) as dataset:
        dataset.check()
        batch = read_batch(dataset, [0, 1])
        assert {key: spec.shape.as_list() for key, spec in tensor_spec(dataset)["data"].items()} == {
            "data": [None, None, 3, 4], "image": [None, 2, 2, 5], "plane": [None, 3, 4],
        }  # fmt: skip
    np.testing.assert_array_equal(batch.data["data"][0], np.pad(SEQUENCES[0]["data"], [(0, 3), (0, 0), (0, 0)]))
    np.testing.assert_array_equal(batch.data["data"][1], SEQUENCES[1]["data"])
    assert batch.lengths["data"].tolist() == [2, 5]
    for key in ("image", "plane"):
        shape = read_extern_data(EXTERN_DATA)[key].shape
        np.testing.assert_array_equal(batch.data[key], [np.full(shape, 2.0), np.full(shape, 5.0)])


def test_other_sizes_are_an_error(tmp_path):
    description, wanted = of_hdf(tmp_path / "x.hdf"), {"data": {"shape": (None, 2, 4)}}
    with (
        pytest.raises(
            DataError, match=r"'data' holds dense features \[T, 3, 4\], expected dense features \[T, 2, 4\]$"
        ),
        open_dataset(description, wanted) as dataset,
    ):
        dataset.check()
