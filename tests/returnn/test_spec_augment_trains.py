"""A config with SpecAugment in the field's style trains: masks in training only, larger ones later, the same after a resume."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from boulder.data import HdfWriter
from boulder.network import describe, run_network
from boulder.returnn import load_config
from jobs.pipeline import lay_out
from tests.returnn.test_trained_with_overrides import WORKER

CONFIG = Path(__file__).with_name("spec_augment.config")
VARIANTS = ["False", "True"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(1)
    streams = load_config(CONFIG).extern_data
    for name in ("train", "dev"):
        with HdfWriter(folder / f"{name}.hdf", streams) as writer:
            for i in range(12):
                labels = random.integers(0, 5, random.integers(4, 12)).astype("int32")
                frames = random.normal(size=[len(labels), 8]).astype("float32")
                writer.write(f"{name}-{i}", {"data": frames, "classes": labels})
    return folder


def trained(job, folder: Path, batches=None) -> Path:
    """
    :param batches: the process is told to stop after so many
    :return: the checkpoint of a process without the config
    """
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", WORKER], cwd=folder, text=True, capture_output=True,
        input=json.dumps([job.phases, job.functions, job.extern_data, batches], default=str),
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0 or (batches and "SIGTERM: stopped" in done.stderr), done.stderr
    return folder / "checkpoint.h5"


@pytest.mark.slow
@pytest.mark.parametrize("vectorized", ["False", "True"])
def test_a_resumed_training_equals_an_uninterrupted_one(data, tmp_path, monkeypatch, vectorized):
    monkeypatch.chdir(tmp_path)

    def job(**overrides):
        sets = {key: {"class": "HDFDataset", "files": [str(data / f"{key}.hdf")]} for key in ("train", "dev")}
        config = load_config(CONFIG, {"masks_are_vectorized": vectorized, **sets, **overrides})
        (job,) = lay_out("augmented", **config.training().arguments()).jobs
        return job

    undisturbed = trained(job(), tmp_path / "undisturbed")
    trained(job(), tmp_path / "resumed", batches=5)
    assert undisturbed.read_bytes() == trained(job(), tmp_path / "resumed").read_bytes()
    assert job(first_step=5).job_id() != job().job_id()


@pytest.mark.parametrize("vectorized", VARIANTS)
def test_frames_and_features_are_masked_in_training_only(vectorized):
    config = load_config(CONFIG, {"masks_are_vectorized": vectorized})
    spec = describe(config.plan().phases[0].network, config.extern_data)
    params = {name: tf.zeros(param.shape) for name, param in spec.params.items()}
    batch = {"data": np.ones([20, 16, 8], "float32"), "classes": np.zeros([20, 16], "int32")}
    lengths = {key: np.full(20, 16, "int32") for key in batch}

    def augmented(step, train=True):
        result = run_network(spec, params, batch, lengths, train=train, step=tf.constant(step, tf.int64))
        return result.layers["augmented"].value.numpy()

    for step in (0, 3, 4):
        value = augmented(step)
        assert set(np.unique(value)) == {0, 1}
        frames, features = value.max(axis=2), value.max(axis=1)
        assert (value == frames[:, :, None] * features[:, None, :]).all()  # whole frames and features
        assert len({row.tobytes() for row in frames}) > 1  # each sequence has its own
        assert ((frames == 0).sum(axis=1) <= (4 if step < 4 else 8)).all()
        assert (augmented(step, train=False) == 1).all()
    assert (augmented(0) != augmented(1)).any()
