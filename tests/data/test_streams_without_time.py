"""Streams with one vector, number or label per sequence."""

import numpy as np
import pytest

from boulder.data import HdfWriter, open_dataset, read_batch
from boulder.data.feed import tensor_spec
from boulder.data.streams import read_extern_data
from boulder.errors import DataError
from boulder.network.template import extern_templates


@pytest.mark.parametrize(
    ("entry", "shape", "text"),
    [
        ({"dim": 3, "shape": (3,)}, (3,), "dense features [3]"),
        ({"dim": 1, "shape": (1,)}, (1,), "dense features [1]"),
        ({"shape": (1,)}, (1,), "dense features [1]"),
        ({"dim": 3, "time_dim_axis": None}, (3,), "dense features [3]"),
        ({"shape": (2, 3)}, (2, 3), "dense features [2, 3]"),
        ({"dim": 3, "sparse": True, "shape": ()}, (), "sparse labels [] of dimension 3"),
        ({"dim": 3, "shape": (None, 3)}, (None, 3), "dense features [T, 3]"),
        ({"shape": (None,)}, (None,), "dense features [T]"),
        ({"dim": 3, "sparse": True, "shape": (None,)}, (None,), "sparse labels [T] of dimension 3"),
        ({"dim": 3}, (None, 3), "dense features [T, 3]"),
    ],
)
def test_a_stream_has_a_time_axis_unless_its_shape_is_static(entry, shape, text):
    stream = read_extern_data({"x": entry})["x"]
    assert (stream.shape, str(stream)) == (shape, text)
    template = extern_templates({"x": entry})["x"]
    assert (template.time is not None, template.dim) == (None in shape, stream.dim)


EXTERN_DATA = {
    "data": {"dim": 2}, "vector": {"dim": 3, "shape": (3,)}, "number": {"dim": 1, "shape": (1,)},
    "speaker": {"dim": 9, "sparse": True, "shape": ()},
}  # fmt: skip
STREAMS = {
    "data": {"dim": 2},
    "vector": {"dim": 3},
    "number": {"shape": (None,)},
    "speaker": {"dim": 9, "sparse": True},
}


def write(path, frames: int = 1):
    """Writes streams in RETURNN's layout, in which each has an axis of frames."""
    with HdfWriter(path, STREAMS) as writer:
        for i in range(3):
            sequence = {
                "data": np.ones((i + 1, 2), "float32"), "vector": np.full((frames, 3), i, "float32"),
                "number": np.array([0.5 * i], "float32"), "speaker": np.array([i + 4], "int32"),
            }  # fmt: skip
            writer.write(f"seq-{i}", sequence)
    return str(path)


def test_a_batch_has_no_time_axis_for_them(tmp_path):
    with open_dataset({"class": "HDFDataset", "files": [write(tmp_path / "a.hdf")]}, EXTERN_DATA) as dataset:
        dataset.check()
        batch = read_batch(dataset, np.array([2, 0]))
        spec = tensor_spec(dataset)["data"]
    assert batch.data["data"].shape == (2, 3, 2)
    assert batch.data["vector"].tolist() == [[2, 2, 2], [0, 0, 0]]
    assert batch.data["number"].tolist() == [[1.0], [0.0]]
    assert batch.data["speaker"].tolist() == [6, 4]
    assert {key: len(value.shape) for key, value in spec.items()} == {"data": 3, "vector": 2, "number": 2, "speaker": 1}


def test_they_are_written_with_or_without_an_axis_of_frames(tmp_path):
    of_frames = {
        "data": np.ones((2, 2)),
        "vector": np.ones((1, 3)),
        "number": np.ones((1, 1)),
        "speaker": np.array([5]),
    }
    with HdfWriter(tmp_path / "a.hdf", EXTERN_DATA) as writer:
        writer.write("frames", of_frames)
        writer.write("none", {key: value if key == "data" else value[0] for key, value in of_frames.items()})
    with open_dataset({"class": "HDFDataset", "files": [str(tmp_path / "a.hdf")]}, EXTERN_DATA) as dataset:
        for key, value in dataset.read(0).items():
            np.testing.assert_array_equal(dataset.read(1)[key], value)


def test_several_frames_are_an_error_that_names_the_sequence(tmp_path):
    path = write(tmp_path / "a.hdf", frames=2)
    message = (
        r"sequence 'seq-1', 'vector': found an array of shape \[2, 3\], expected dense features \[3\], without a time"
    )
    with (
        open_dataset({"class": "HDFDataset", "files": [path]}, EXTERN_DATA) as dataset,
        pytest.raises(DataError, match=message),
    ):
        read_batch(dataset, np.array([1]))
