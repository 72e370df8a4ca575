"""Batches that are read straight into padded arrays equal those padded after reading."""

import h5py
import numpy as np
import pytest

from boulder.data import open_dataset
from boulder.data.dataset import Dataset

LENGTHS = [7, 0, 300, 2, 90, 41]
FEATURES = np.random.default_rng(0).normal(size=(sum(LENGTHS), 6)).astype("float32")
LABELS = np.random.default_rng(1).integers(0, 5, sum(LENGTHS)).astype("int32")
LAYOUTS = {
    "contiguous": {},
    "blocks": {"chunks": (200, 6)},
    "tiles": {"chunks": (300, 4)},
    "tiles wider than the array": {"chunks": (200, 8), "maxshape": (None, None)},
    "compressed": {"compression": "gzip"},
}
BATCHES = ([4, 1, 2], [3], [5, 5, 0], [1], range(6))


def write(path, features=FEATURES, **layout):
    with h5py.File(path, "w") as file:
        file.attrs.update(inputPattSize=6, numLabels=5)
        file["seqLengths"] = np.stack([LENGTHS, LENGTHS], axis=1).astype("int32")
        file["seqTags"] = np.array([f"{path.stem}{i}" for i in range(6)], "S16")
        file.create_dataset("inputs", data=features, **layout)
        file["targets/data/classes"] = LABELS
        file.require_group("targets/size").attrs["classes"] = [5, 1]
    return str(path)


def assert_padded_alike(dataset, batches=BATCHES):
    for batch in batches:
        found, expected = dataset.read_padded(batch), Dataset.read_padded(dataset, batch)
        assert found.keys() == expected.keys()
        for key in expected:
            for one, other in zip(found[key], expected[key], strict=True):
                np.testing.assert_array_equal(one, other)
                assert one.dtype == other.dtype


@pytest.mark.parametrize("layout", LAYOUTS)
def test_frames_of_an_hdf_file(layout, tmp_path):
    with open_dataset(write(tmp_path / "a.hdf", **LAYOUTS[layout])) as dataset:
        assert_padded_alike(dataset)


def test_frames_of_another_type(tmp_path):
    with open_dataset(write(tmp_path / "a.hdf", FEATURES.astype("float64"))) as dataset:
        assert_padded_alike(dataset)


def test_frames_of_several_files(tmp_path):
    files = [
        write(tmp_path / f"{name}.hdf", layout, chunks=(100, 6)) for name, layout in (("a", FEATURES), ("b", -FEATURES))
    ]
    with open_dataset({"class": "HDFDataset", "files": files}) as dataset:
        assert_padded_alike(dataset, [[9, 2, 8], [11, 0], [6, 6]])


def test_streams_of_a_meta_dataset(tmp_path):
    description = {
        "class": "MetaDataset",
        "datasets": {name: {"class": "HDFDataset", "files": [write(tmp_path / "a.hdf")]} for name in "xy"},
        "data_map": {"data": ("x", "data"), "other": ("y", "data"), "classes": ("y", "classes")},
    }
    with open_dataset(description) as dataset:
        assert_padded_alike(dataset)
