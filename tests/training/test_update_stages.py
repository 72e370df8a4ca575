"""Stages between gradient and update. A stage is a class in one file and an entry in `STAGES`."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from boulder.training import TrainingOptions
from boulder.training.update import STAGES, ClipByGlobalNorm, ClipByValue, Stage, Update, make_stages, slot_variable
from tests.tiny import phase

SGD = {"optimizer": {"class": "sgd"}}


def network(width: int) -> dict:
    return {
        "hidden": {"class": "linear", "activation": "tanh", "from": "data", "n_out": width},
        "output": {"class": "softmax", "from": "hidden", "loss": "ce", "target": "classes"},
    }


def update(*gradients: list[float]) -> Update:
    named = {f"layer{i}/W": tf.constant(gradient) for i, gradient in enumerate(gradients)}
    return Update(named, {}, tf.linalg.global_norm(list(named.values())), tf.constant(0, tf.int64))


def test_entries_are_clipped_before_the_norm():
    assert make_stages(TrainingOptions()) == []
    stages = make_stages(TrainingOptions(gradient_clip=2.0, gradient_clip_global_norm=1.0))
    assert stages == [ClipByValue(2.0), ClipByGlobalNorm(1.0)]


def test_entries_are_clipped():
    clipped = ClipByValue(2.0)(update([-3.0, 1.0], [5.0])).gradients
    assert [gradient.numpy().tolist() for gradient in clipped.values()] == [[-2, 1], [2]]


def test_all_gradients_are_scaled_down_to_the_norm():
    clipped = ClipByGlobalNorm(1.0)(update([3.0, 0.0], [4.0])).gradients
    np.testing.assert_allclose(np.concatenate([g.numpy() for g in clipped.values()]), [0.6, 0, 0.8], rtol=1e-6)
    same = ClipByGlobalNorm(10.0)(update([3.0, 0.0], [4.0])).gradients
    assert [gradient.numpy().tolist() for gradient in same.values()] == [[3, 0], [4]]


class Accumulated(Stage):
    """Sums the gradients of two batches: a stage with state, which withholds every other update."""

    @classmethod
    def from_options(cls, options):
        return cls()

    def build(self, variables):
        self.sums = {path: slot_variable(tf.zeros_like(variable)) for path, variable in variables.items()}

    def slots(self):
        return {"momentum": self.sums}  # the name of a slot of the optimizer, Adam

    def __call__(self, update):
        due = update.step % 2 == 1
        gradients = {path: self.sums[path] + gradient for path, gradient in update.gradients.items()}
        for path, gradient in gradients.items():
            self.sums[path].assign(tf.where(due, tf.zeros_like(gradient), gradient))
        return replace(update, gradients=gradients, due=due)


class Noise(Stage):
    """Stateless noise on the gradients of one layer, by step and path."""

    @classmethod
    def from_options(cls, options):
        return cls()

    def __call__(self, update):
        path = "output/W"
        gradient = update.gradients[path]
        noise = tf.random.stateless_normal(gradient.shape, seed=[7, update.step], stddev=0.1)
        return replace(update, gradients={**update.gradients, path: gradient + noise})


@pytest.fixture
def stage(monkeypatch):
    return lambda cls: monkeypatch.setattr("boulder.training.update.STAGES", [cls, *STAGES])


@pytest.mark.parametrize("cls", [Accumulated, Noise])
def test_stages_with_state_or_noise_resume_and_carry_over(training, stop_at, stage, tmp_path, cls):
    stage(cls)
    phases = [
        phase(0, range(1, 2), network(4), max_seqs=7),  # an odd number of batches, so that a sum is handed over
        phase(1, range(2, 3), network(6), max_seqs=7) | {"carry_optimizer": "grow"},
    ]
    first = training(phases[:1], "first")
    training(phases, "undisturbed")
    for batches in (2, 9):
        stop_at(batches)
        with pytest.raises(SystemExit):
            training(phases, "stopped")
    training(phases, "stopped")
    assert (tmp_path / "undisturbed/checkpoint.h5").read_bytes() == (tmp_path / "stopped/checkpoint.h5").read_bytes()
    if cls is Accumulated:
        assert first.step % 2 == 1
        assert first.slots.keys() == {"momentum", "velocity", "Accumulated.momentum"}
        assert first.slots["Accumulated.momentum"]["output/b"].any()
        assert first.iterations == first.step // 2


def test_two_batches_accumulated_are_one_batch(training, stage, data):
    """With SGD on a sum over frames, two batches of 15 sequences make the same update as one of 30."""
    net = {"output": {"class": "softmax", "from": "data", "loss": "ce"}}
    sgd = SGD | {"batch_size": 1000, "batching": "default", "use_normalized_loss": False}
    joint = training([phase(0, range(1, 2), net, max_seqs=30, **sgd)], "joint")
    stage(Accumulated)
    apart = training([phase(0, range(1, 2), net, max_seqs=15, **sgd)], "apart")
    assert (joint.step, apart.step) == (1, 2)
    for path, value in joint.params.items():
        np.testing.assert_allclose(apart.params[path], value, rtol=1e-5, atol=1e-7)
