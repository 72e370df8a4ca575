"""Functions of a RETURNN config in a real training, with `#config`, TensorFlow 1 names and random numbers."""

import json
import os
import subprocess
import sys

import pytest

from boulder.returnn import load_config
from jobs.pipeline import lay_out
from sisyphus import tk
from tests.returnn.test_surroundings import write
from tests.tiny import EXTERN_DATA, write_data

CONFIG = f"""
import tensorflow as tf
from returnn.config import get_global_config

extern_data = {EXTERN_DATA!r}
num_epochs = 6
batch_size = 60
max_seqs = 6
learning_rate = 0.01
learning_rates = [0.01] * 6
scale = 1.0
noise = 0.1
saved = None

def masked(x, network):
    keep = tf.to_float(tf.random_uniform((tf.shape(x)[0], 1, 1)) > get_global_config().float("noise", 0.0))
    def train():
        return tf.where(tf.is_nan(x), tf.zeros_like(x), x) * keep + tf.random_normal(tf.shape(x), stddev=noise)
    return network.cond_on_train(train, lambda: x)

def augment(source, self, **kwargs):
    import tensorflow as tf1
    data = source(0, as_data=True)
    assert data.batch_dim_axis == 0 and data.dim == 4
    x = masked(data.placeholder, self.network) * scale
    tf1.debugging.assert_greater_equal(self.network.global_train_step, tf.constant(0, tf.int64))
    return x - tf1.reduce_mean(x, axis=-1, keep_dims=True)

def dynamic_learning_rate(*, network, global_train_step, learning_rate, **_other):
    assert network.global_train_step.dtype == global_train_step.dtype
    return tf.where(global_train_step < 8, learning_rate * tf.to_float(global_train_step) / 8, learning_rate)

network = {{
    "embedding": {{"class": "linear", "n_out": 4, "activation": None, "from": "data"}},
    "augment": {{"class": "eval", "eval": augment, "from": "embedding"}},
    "dropped": {{"class": "eval", "eval": "tf.nn.dropout(source(0), keep_prob=0.9)", "from": "augment"}},
    "fw": {{"class": "rec", "unit": "nativelstm2", "n_out": 6, "from": "dropped"}},
    "output": {{"class": "softmax", "loss": "ctc", "from": "fw"}},
}}

def algo(idx, net_dict):
    if idx > 1:
        return None
    net_dict["fw"]["n_out"] = 3 + idx
    net_dict["#config"] = @config@
    return net_dict

pretrain = {{"construction_algo": algo, "repetitions": 2, "copy_param_mode": "subset"}}
"""
SCALED = '{"scale": [0.0, 2.0][idx], "batch_size": 30}'
WORKER = """
import json, os, signal, sys
from pathlib import Path
from boulder.schedule.functions import restore
from boulder.training import TrainingPhase
from boulder.training.run import TrainingFiles
from boulder.training.trainer import train
from boulder.training.progress import Progress
phases, functions, extern_data, batches = json.load(sys.stdin)
whole, seen = Progress.advance, iter(range(10**6))
def advance(self, sums):
    whole(self, sums)
    if next(seen) + 1 == batches:
        os.kill(os.getpid(), signal.SIGTERM)
Progress.advance = advance
files = TrainingFiles(
    previous=None, store=Path("store"),
    checkpoint=Path("checkpoint.h5"), scores=Path("scores.jsonl"), tensorboard=Path("tensorboard"),
    progress=Path("progress.json"), growth=lambda phase, report: None)
train([TrainingPhase.from_json(restore(phase, functions)) for phase in phases], extern_data, files, print)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture
def laid_out(data, tmp_path, monkeypatch):
    """:return: function (`#config`, replacements in the text) → pipeline of one job"""
    monkeypatch.chdir(tmp_path)
    data_sets = "".join(
        f"{key} = {{'class': 'HDFDataset', 'files': ['{data}/{key}.hdf']}}\n" for key in ("train", "dev")
    )

    def lay(overrides=SCALED, old="", new=""):
        config = load_config(
            write(tmp_path / "setup", CONFIG.replace("@config@", overrides).replace(old, new, 1) + data_sets)
        )
        return lay_out("tiny", **config.training(tk.Path).arguments(), indices_per_job=None)

    return lay


@pytest.fixture
def trained(data, tmp_path):
    """:return: function (job, folder, number of batches) → its checkpoint, trained in a process without the config"""

    def train(job, name, batches=None):
        for file in (tmp_path / "setup").glob("*"):
            file.unlink()
        (tmp_path / name).mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-c", WORKER], cwd=tmp_path / name, text=True, capture_output=True,
            input=json.dumps([job.phases, job.functions, EXTERN_DATA, batches], default=str),
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        )  # fmt: skip
        if batches:
            assert "SIGTERM: stopped" in done.stderr
            return None
        assert done.returncode == 0, done.stderr
        return tmp_path / name / "checkpoint.h5"

    return train


def test_an_override_that_only_functions_read_does_not_reach_the_training(laid_out):
    pipeline = laid_out()
    phases = pipeline.jobs[0].phases
    options = {"max_seqs": 6, "returnn_batches": True, "optimizer": {"class": "sgd"}}
    options["dynamic_learning_rate"] = phases[0]["config"]["dynamic_learning_rate"]
    assert [phase["config"] for phase in phases] == [options | {"batch_size": size} for size in (30, 30, 60)]
    assert len({phase["network"]["augment"]["eval"]["#function"] for phase in phases}) == 3
    assert pipeline.rows[1]["config"] == {"scale": 2.0, "batch_size": 30}


@pytest.mark.slow
def test_a_resumed_training_with_the_users_random_numbers_equals_an_uninterrupted_one(laid_out, trained):
    from boulder.training import Checkpoint

    (job,) = laid_out().jobs
    undisturbed = trained(job, "undisturbed")
    trained(job, "resumed", batches=20)
    assert undisturbed.read_bytes() == trained(job, "resumed").read_bytes()
    history = Checkpoint.load(undisturbed).history
    assert [record["index"] for record in history] == [0, 0, 1, 1, None, None]
    assert history[0]["effective_learning_rate"] == 0
    assert 0 < history[1]["effective_learning_rate"] < 0.01  # the first rate of the epoch, as a float32
    assert "effective_learning_rate" not in history[2]


@pytest.mark.slow
def test_with_a_scale_of_0_the_input_has_no_gradient(laid_out, trained):
    from boulder.training import Checkpoint

    def embeddings(name, overrides):
        (job,) = laid_out(overrides, "num_epochs = 6", "num_epochs = 1").jobs
        return Checkpoint.load(trained(job, name)).params["embedding/W"]

    start = embeddings("start", '{"scale": 0.0}')
    assert (start == embeddings("more", '{"scale": 0.0, "learning_rate": 0.1}')).all()
    assert (start != embeddings("other", "{}")).any()
