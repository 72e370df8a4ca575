"""Mean and standard deviation of features."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.data import HdfWriter, open_dataset
from boulder.data.statistics import feature_statistics
from boulder.errors import DataError


def write(path, sequences):
    with HdfWriter(path, {"data": {"dim": 3}, "classes": {"dim": 2, "sparse": True}}) as writer:
        for number, frames in enumerate(sequences):
            writer.write(f"seq{number}", {"data": frames, "classes": np.zeros(len(frames), "int32")})
    return open_dataset(str(path))


@settings(deadline=None, max_examples=30)
@given(
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=80),
    seed=st.integers(0, 9),
    offset=st.sampled_from([0, 1e4]),
)
def test_they_are_those_of_all_frames_together(tmp_path_factory, lengths, seed, offset):
    random = np.random.default_rng(seed)
    sequences = [random.normal(offset, 2, (length + 1, 3)).astype("float32") for length in lengths]
    with write(tmp_path_factory.mktemp("data") / "x.hdf", sequences) as dataset:
        mean, deviation = feature_statistics(dataset)
    together = np.concatenate(sequences).astype("float64")
    np.testing.assert_allclose(mean, together.mean(axis=0), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(deviation, together.std(axis=0), rtol=1e-9)


def test_a_constant_feature_and_a_stream_of_labels_are_errors(tmp_path):
    frames = np.stack([np.arange(5), np.ones(5), np.arange(5)], axis=1).astype("float32")
    with write(tmp_path / "x.hdf", [frames]) as dataset:
        with pytest.raises(
            DataError, match=r"feature 1 of 'data' has standard deviation 0\.0, expected a positive number"
        ):
            feature_statistics(dataset)
        with pytest.raises(DataError, match="found no dense stream 'classes', expected one of data"):
            feature_statistics(dataset, "classes")
