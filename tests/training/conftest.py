"""Training in the tests' own process."""

import os
import signal
import subprocess

import pytest

from tests.tiny import EXTERN_DATA, write_data

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """:return: folder with train.hdf and dev.hdf"""
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def training(data, tmp_path):
    """:return: function (phases, folder name, previous=…, gpus=…, train=…, dev=…) that trains in this process → last checkpoint"""
    from boulder.training import Checkpoint, TrainingPhase
    from boulder.training.run import TrainingFiles
    from boulder.training.trainer import train as run_training

    def run(
        phases: list[dict],
        name: str = "run",
        previous=None,
        say=lambda _line: None,
        gpus: int = 1,
        num_workers: int | None = None,
        extern_data=EXTERN_DATA,
        train=None,
        dev=None,
        **files,
    ):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        paths = {
            "previous": previous,
            "store": folder / "store",
            "checkpoint": folder / "checkpoint.h5",
            "scores": folder / "scores.jsonl",
            "tensorboard": folder / "tensorboard",
            "progress": folder / "progress.json",
            "growth": lambda _phase, _report: None,
        }
        data_sets = {"train": [data / "train.hdf"] if train is None else train}
        data_sets["dev"] = ([data / "dev.hdf"] if dev is None else dev) or None
        phases = [TrainingPhase.from_json(data_sets | p) for p in phases]
        run_training(phases, extern_data, TrainingFiles(**paths | files), say, gpus=gpus, num_workers=num_workers)
        return Checkpoint.load(folder / "checkpoint.h5")

    return run


@pytest.fixture
def stop_at(monkeypatch):
    """:return: function (batches) that arranges for a real signal to this process after so many, train and dev together"""
    from boulder.training.progress import Progress

    whole = Progress.advance

    def arrange(batches: int, number=signal.SIGTERM):
        seen = iter(range(10**6))

        def advance(self, sums):
            whole(self, sums)
            if next(seen) + 1 == batches:
                os.kill(os.getpid(), number)

        monkeypatch.setattr(Progress, "advance", advance)

    return arrange


@pytest.fixture
def small_disk(tmp_path):
    """:return: folder that is a file system of 400 kB"""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", folder], check=True)
