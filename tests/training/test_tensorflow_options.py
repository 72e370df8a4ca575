"""Passes of TensorFlow's graph optimizer that a training on CPUs leaves out change no bit of it."""

import tensorflow as tf

from boulder.training import tensorflow_options
from boulder.training.tensorflow_options import PASSES_FOR_GPUS, prepare_tensorflow
from tests.tiny import phase

NETWORK = {  # with what the passes look for: convolutions and products with bias and activation
    "embedding": {"class": "linear", "from": "data", "n_out": 8, "activation": "relu"},
    "split": {"class": "split_dims", "from": "embedding", "axis": "F", "dims": (-1, 2)},
    "conv": {
        "class": "conv",
        "from": "split",
        "n_out": 3,
        "filter_size": (3, 3),
        "padding": "same",
        "activation": "relu",
    },
    "merged": {"class": "merge_dims", "from": "conv", "axes": ["dim:4", "F"]},
    "norm": {"class": "batch_norm", "from": "merged"},
    "forward": {"class": "rec", "unit": "nativelstm2", "from": "norm", "n_out": 4, "dropout": 0.1},
    "hidden": {"class": "linear", "from": "forward", "n_out": 8, "activation": "elu"},
    "output": {"class": "softmax", "from": "hidden", "loss": "ctc"},
}


def chosen(gpus: list, monkeypatch) -> dict:
    with monkeypatch.context() as patched:
        patched.setattr(tf.config, "list_physical_devices", lambda kind=None: gpus if kind == "GPU" else [])
        prepare_tensorflow()
    return {
        key: value for key, value in tf.config.optimizer.get_experimental_options().items() if key in PASSES_FOR_GPUS
    }


def test_the_passes_are_left_out_where_there_is_no_gpu(monkeypatch):
    assert chosen(["a GPU"], monkeypatch) == dict.fromkeys(PASSES_FOR_GPUS, True)
    assert chosen([], monkeypatch) == dict.fromkeys(PASSES_FOR_GPUS, False)


def test_a_training_without_the_passes_ends_in_the_same_bits(training, tmp_path, monkeypatch):
    every = [phase(0, range(1, 3), NETWORK)]
    training(every, "without")
    monkeypatch.setattr(tensorflow_options, "PASSES_FOR_GPUS", ())
    tf.config.optimizer.set_experimental_options(dict.fromkeys(PASSES_FOR_GPUS, True))
    training(every, "with")
    folders = [tmp_path / name for name in ("without", "with")]
    without, with_passes = ((folder / "checkpoint.h5").read_bytes() for folder in folders)
    assert without == with_passes
