"""Streams may have any names: none need be called `data`."""

import numpy as np
import pytest

from boulder.data import HdfWriter
from tests.tiny import phase

EXTERN_DATA = {
    "features": {"dim": 2, "available_for_inference": True},
    "phones": {"dim": 3, "sparse": True, "available_for_inference": False},
}


@pytest.fixture
def files(tmp_path):
    with HdfWriter(tmp_path / "train.hdf", EXTERN_DATA) as file:
        for number, frames in enumerate([4, 5, 7, 3]):
            file.write(f"s-{number}", {"features": np.ones((frames, 2)), "phones": np.zeros(frames, "int32")})
    return [tmp_path / "train.hdf"]


@pytest.mark.parametrize("source", ["data:features", "data"])
@pytest.mark.parametrize(
    "config",
    [{"batching": "random"}, {"batching": "sorted", "chunking": "4:2"}, {"max_seq_length": {"phones": 5}}],
    ids=["random", "chunks", "limited"],
)
def test_it_trains(files, training, source, config):
    net = {"output": {"class": "softmax", "from": source, "loss": "ce", "target": "phones"}}
    trained = training([phase(0, range(1, 3), net, **config)], extern_data=EXTERN_DATA, train=files, dev=files)
    assert [record["epoch"] for record in trained.history] == [1, 2]
    assert all(np.isfinite(record["dev"]["cost:output"]) for record in trained.history)
