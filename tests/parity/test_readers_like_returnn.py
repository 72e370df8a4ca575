"""For the same options and epoch, the same sequences, with the same content, in the same order as RETURNN's data sets."""

import os
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from boulder.data import HdfWriter, open_dataset
from boulder.data.dataset import dataset_classes

pytestmark = pytest.mark.parity

ORDERS = [
    "default",
    "reverse",
    "sorted",
    "sorted_reverse",
    "random",
    "random:2",
    "laplace:.4",
    "laplace:3",
    "sort_bin_shuffle",
]
CASES_PER_CLASS = 40


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with data files."""
    folder = tmp_path_factory.mktemp("readers")
    rng = np.random.default_rng(3)
    layouts = {
        "speech": {"data": {"dim": 3}, "classes": {"dim": 9, "sparse": True}},
        "text": {"data": {"dim": 9, "sparse": True}},
    }
    layouts["more"] = layouts["speech"]
    for name, keys in layouts.items():
        with HdfWriter(folder / f"{name}.hdf", keys) as writer:
            for i in range({"speech": 17, "more": 5, "text": 11}[name]):
                lengths = {key: int(rng.integers(0 if key == "classes" else 1, 12)) for key in keys}
                data = {key: rng.integers(0, 9, (n, 3) if keys[key] == {"dim": 3} else n) for key, n in lengths.items()}
                writer.write(f"{name}/{i}", {key: value.astype("int32") for key, value in data.items()})
    return folder


def hdf(rng: random.Random, files: Path, name: str) -> dict:
    data = {"class": "HDFDataset", "files": [str(files / f"{name}.hdf")]}
    if rng.random() < 0.6:
        data["seq_ordering"] = rng.choice(ORDERS)
    if rng.random() < 0.3:
        data["partition_epoch"] = rng.randint(2, 3)
    elif rng.random() < 0.2:
        data["repeat_epoch"] = rng.randint(2, 3)
    if rng.random() < 0.2:
        data["fixed_random_seed"] = rng.randint(1, 9)
    return data


def order(rng: random.Random) -> dict:
    options = {"seq_ordering": rng.choice(ORDERS)}
    if rng.random() < 0.3:
        options["partition_epoch"] = rng.randint(2, 3)
    elif rng.random() < 0.2:
        options["repeat_epoch"] = 2
    if rng.random() < 0.3:
        options["random_seed_offset"] = rng.randint(1, 99)
    return options


def concat(rng: random.Random, files: Path) -> dict:
    names = rng.choice([["speech"], ["speech", "more"], ["more", "speech", "more"]])
    return {"class": "ConcatDataset", "datasets": [hdf(rng, files, name) for name in names]}


def combined(rng: random.Random, files: Path) -> dict:
    parts = {name: hdf(rng, files, name) for name in ("speech", "text", "more")}
    data_map = {
        ("speech", "data"): "data",
        ("speech", "classes"): "classes",
        ("text", "data"): rng.choice(["classes", "text"]),
    }
    if rng.random() < 0.5:
        data_map[("more", "data")] = "data"
    data = {"class": "CombinedDataset", "datasets": parts, "data_map": data_map, **order(rng)}
    kind = rng.random()
    if kind < 0.25:
        data["seq_ordering"] = "random_dataset"
    elif kind < 0.55:
        data |= {"seq_ordering": "interleave", "interleave_gumbel_scale": rng.choice([None, 0, 1.0, 0.3, "remaining"])}
        data = {key: value for key, value in data.items() if key not in ("partition_epoch", "repeat_epoch")}
    elif kind < 0.75:
        sizes = {name: rng.randint(1, 9) for name in parts}
        data["sampling_sizes"] = rng.choice(
            [rng.randint(1, 20), sizes if ("more", "data") in data_map else {k: sizes[k] for k in ("speech", "text")}]
        )
        data.pop("partition_epoch", None)
    return data


def multi_epoch(rng: random.Random, files: Path) -> dict:
    inner = rng.choice([hdf(rng, files, "speech"), combined(rng, files)])
    return {"class": "MultiEpochDataset", "dataset": inner, "multi_epoch": rng.randint(1, 3)}


def multi_proc(rng: random.Random, files: Path) -> dict:
    return {
        "class": "MultiProcDataset",
        "dataset": hdf(rng, files, "speech"),
        "num_workers": rng.randint(1, 2),
        "buffer_size": rng.randint(1, 3),
        **order(rng),
    }


GENERATORS: dict[str, tuple[Callable[[random.Random, Path], dict], int]] = {
    "ConcatDataset": (concat, CASES_PER_CLASS),
    "CombinedDataset": (combined, 3 * CASES_PER_CLASS),
    "MultiEpochDataset": (multi_epoch, CASES_PER_CLASS),
    "MultiProcDataset": (multi_proc, 3),
}
"""class → (description from random numbers and files, number of cases)"""

ELSEWHERE = {"HDFDataset", "MetaDataset"}
"""Classes that test_orders_like_returnn.py compares."""


def of_returnn(cases: list[tuple[dict, int]], folder: Path) -> list:
    (folder / "cases").write_bytes(pickle.dumps(cases))
    script = Path(__file__).with_name("returnn_readers.py")
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, script, folder / "cases", folder / "results"]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=folder)
    assert run.returncode == 0, run.stderr[-2000:]
    return pickle.loads((folder / "results").read_bytes())


def of_boulder(description: dict, epochs: int) -> list:
    with open_dataset(description) as dataset:
        dataset.check()
        found = []
        for epoch in range(1, epochs + 1):
            indices = dataset.epoch_order(epoch, 0, "default")
            found.append(list(zip(dataset.tags(indices), dataset.read_many(indices), strict=True)))
            for key, lengths in (dataset.lengths or {}).items():
                assert [len(data[key]) for _, data in found[-1]] == lengths[indices].tolist()
        return found


def plain(epochs: list) -> list:
    return [
        [(tag, {key: np.asarray(v).tolist() for key, v in data.items()}) for tag, data in epoch] for epoch in epochs
    ]


@pytest.fixture(scope="module")
def results(files) -> dict[str, list]:
    """class → (description, RETURNN's sequences or its error)"""
    rng = random.Random(7)
    cases = {name: [(make(rng, files), 4) for _ in range(count)] for name, (make, count) in GENERATORS.items()}
    every = iter(of_returnn([case for found in cases.values() for case in found], files))
    return {name: [(case, next(every)) for case in found] for name, found in cases.items()}


@pytest.mark.parametrize("name", GENERATORS)
def test_epochs_have_returnns_sequences(results, name):
    compared = 0
    for (description, epochs), expected in results[name]:
        if isinstance(expected, str):
            continue
        assert plain(of_boulder(description, epochs)) == plain(expected), description
        compared += 1
    errors = {expected for _, expected in results[name] if isinstance(expected, str)}
    assert compared > 0.7 * len(results[name]), errors


def test_every_class_of_returnn_is_compared():
    assert {*GENERATORS} | ELSEWHERE >= {*dataset_classes()}
