"""`mixed_precision` in training: the loss falls as in float32, and the loss scale follows Keras's formula."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import ConfigError
from boulder.training import TrainingOptions, loss_scale
from boulder.training.loss_scale import LossScale
from boulder.training.scores import read_scores
from tests.tiny import network, phase

NETWORK = {
    "hidden": {"class": "linear", "activation": "tanh", "n_out": 8, "from": "embedding"},
    "embedding": {"class": "linear", "n_out": 8},
    "output": {"class": "softmax", "from": "hidden", "loss": "ce"},
}
OVERFLOWS = NETWORK | {
    "large": {"class": "eval", "from": "hidden", "eval": "source(0) * 1e3"},
    "again": {"class": "softmax", "from": "small", "loss": "ce", "loss_scale": 1.0, "target": "classes"},
    "small": {
        "class": "linear",
        "from": "large",
        "n_out": 4,
        "forward_weights_init": "random_normal_initializer(stddev=0.3)",
    },
}


@pytest.mark.parametrize("precision", [pytest.param("bfloat16", marks=pytest.mark.slow), "float16"])
def test_the_loss_falls_as_in_float32(training, tmp_path, precision):
    def costs(name, **options):
        training([phase(0, range(1, 5), NETWORK, **options)], name)
        return [record["dev"]["cost:output"] for record in read_scores(tmp_path / name / "scores.jsonl")]

    exact, rounded = costs("exact"), costs("rounded", mixed_precision=precision)
    assert rounded[-1] < 0.6 * rounded[0]
    assert rounded == pytest.approx(exact, rel=0.02)
    assert rounded != exact


def test_the_loss_scale_is_that_of_keras(monkeypatch):
    monkeypatch.setattr(loss_scale, "_UPDATES", 3)
    variable = tf.Variable(1.0)
    reference = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.0), dynamic_growth_steps=3)
    reference.build([variable])
    scale, random = LossScale(), np.random.default_rng(5)
    for finite in random.random(60) < 0.8:
        scale.update(tf.constant(finite))
        reference.apply([tf.constant(1.0 if finite else np.inf)], [variable])
        assert scale.state() == (float(reference.dynamic_scale.value), int(reference.step_counter.value))
    assert LossScale(scale.state()).state() == scale.state()


def test_the_scale_does_not_fall_below_1():
    scale = LossScale((1.0, 7))
    assert not scale.may_overflow()
    scale.update(tf.constant(False))
    assert scale.state() == (1.0, 0)


@pytest.mark.slow
def test_a_gradient_that_overflows_makes_no_update_and_the_training_resumes_with_the_same_bits(
    training, tmp_path, stop_at
):
    phases = [
        phase(0, range(1, 3), OVERFLOWS, mixed_precision="float16", ema=0.5),
        phase(1, range(3, 5), OVERFLOWS, mixed_precision="float16"),
    ]
    said: list[str] = []
    ended = training(phases, "all", say=said.append)
    skipped = [record.get("skipped", 0) for record in read_scores(tmp_path / "all/scores.jsonl")]
    assert skipped[0] > 0
    assert skipped[2:] == [0, 0]  # the scale goes over to the next phase
    assert any("a gradient overflows float16" in line for line in said)
    assert ended.loss_scale[0] == 2.0 ** (15 - sum(skipped))
    for batches in (2, 13):
        stop_at(batches)
        with pytest.raises(SystemExit):
            training(phases, "stopped")
    training(phases, "stopped")
    assert (tmp_path / "all/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mixed_precision": "float8"}, "'mixed_precision' must be None or one of bfloat16, float16, found 'float8'"),
        (
            {"mixed_precision": "float16", "maximize_grad_norm": 0.1},
            "with 'maximize_grad_norm', .* expected 'bfloat16'",
        ),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        TrainingOptions.from_config(options)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_recurrent_networks_with_ctc_train(training, tmp_path, precision):
    training([phase(0, range(1, 9), network(1, 16), batch_size=30, mixed_precision=precision)])
    costs = [record["dev"]["cost:output"] for record in read_scores(tmp_path / "run/scores.jsonl")]
    assert costs[-1] < 0.5 * costs[0]
