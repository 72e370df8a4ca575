"""Files of RETURNN's writers have the same content for both; and so have Boulder's."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from boulder.data import HdfWriter, open_dataset
from tests.parity.test_readers_like_returnn import of_boulder, of_returnn, plain

pytestmark = pytest.mark.parity

NAMES = [
    "dense",
    "half",
    "double",
    "sparse",
    "sparse_with_dim",
    "labels",
    "targets",
    "declared",
    "dumped",
    "own",
    "targets_only",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("hdf")
    command = [sys.executable, Path(__file__).with_name("returnn_hdf_files.py"), folder]
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONWARNINGS": "ignore"}
    )
    assert run.returncode == 0, run.stderr[-2000:]
    random = np.random.default_rng(1)
    streams = {"data": {"dim": 3}, "classes": {"dim": 5, "sparse": True}, "speaker": {"dim": 2}}
    for name, keys in (("own", streams), ("targets_only", {key: streams[key] for key in ("classes", "speaker")})):
        with HdfWriter(folder / f"{name}.hdf", keys) as writer:
            for i in range(6):
                frames, labels = random.integers(0, 7, 2)
                data = {"data": random.normal(size=(frames, 3)), "classes": random.integers(0, 5, labels)}
                data["speaker"] = random.normal(size=(1, 2))
                writer.write(f"seq/{i}", {key: data[key] for key in keys})
    return folder


@pytest.fixture(scope="module")
def results(folder) -> dict[str, tuple[dict, list]]:
    """name → (description, RETURNN's sequences)"""
    described = {name: {"class": "HDFDataset", "files": [str(folder / f"{name}.hdf")]} for name in NAMES}
    found = of_returnn([(description, 1) for description in described.values()], folder)
    return {name: (described[name], sequences) for name, sequences in zip(NAMES, found, strict=True)}


@pytest.mark.parametrize("name", NAMES)
def test_both_read_the_same(results, name):
    description, expected = results[name]
    assert not isinstance(expected, str), expected
    assert plain(of_boulder(description, 1)) == plain(expected)


def test_names_of_labels_are_read(folder):
    with open_dataset(str(folder / "labels.hdf")) as dataset:
        assert dataset.label_names("data") == ["a", "b", "ü", "[d]", "e e"]
