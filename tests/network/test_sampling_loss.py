"""The classes that `sampling_loss` draws, and its bad options. Its numbers: tests/parity/test_sampling_loss_like_returnn.py."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.network.losses.sampling import SamplingLoss, drawn

EXTERN_DATA = {"data": {"dim": 4}, "classes": {"dim": 6, "sparse": True}}


def network(**loss_opts) -> dict:
    layer = {"class": "softmax", "from": "data", "n_out": 6, "loss": "sampling_loss", "loss_opts": loss_opts}
    return {"output": layer}


def test_classes_are_drawn_as_often_as_by_tensorflow():
    cumulated = tf.cumsum(tf.constant(SamplingLoss().probabilities(6)))
    ours, theirs = np.zeros(6), np.zeros(6)
    true = tf.constant([[0]], tf.int64)
    for seed in range(400):
        classes = drawn(cumulated, 3, tf.constant([seed, 0], tf.int64))[0].numpy()
        assert len(set(classes)) == 3
        ours[classes] += 1
        theirs[tf.random.log_uniform_candidate_sampler(true, 1, 3, True, 6, seed=seed + 1)[0].numpy()] += 1
    assert ours / 400 == pytest.approx(theirs / 400, abs=0.1)


def test_the_expected_numbers_are_tensorflows():
    true = tf.constant([[0], [3], [5]], tf.int64)
    for seed in range(5):
        classes, of_true, of_sample = tf.random.log_uniform_candidate_sampler(true, 1, 4, True, 6, seed=seed + 1)
        loss = SamplingLoss(num_sampled=4)
        probabilities = loss.probabilities(6)
        first = int(classes[0])
        draws = round(float(np.log1p(-float(of_sample[0])) / np.log1p(-probabilities[first])))
        draws = draws if abs(float(of_sample[0]) - 4 * probabilities[first]) > 1e-6 else 4
        counts = np.exp(loss._log_expected(tf.constant(probabilities), tf.constant(draws)))
        assert counts[classes.numpy()] == pytest.approx(of_sample.numpy(), rel=1e-5)
        assert counts[true.numpy()[:, 0]] == pytest.approx(of_true.numpy()[:, 0], rel=1e-5)


def test_a_resumed_training_draws_the_same():
    spec = describe(network(num_sampled=2), EXTERN_DATA)
    rng = np.random.default_rng(0)
    params = {path: tf.constant(rng.normal(size=p.shape), tf.float32) for path, p in spec.params.items()}
    data = {"data": rng.normal(size=(1, 5, 4)).astype("float32"), "classes": np.int32([[0, 5, 2, 1, 1]])}
    lengths = dict.fromkeys(data, np.int32([5]))

    def cost(step: int) -> float:
        return float(run_network(spec, params, data, lengths, train=True, step=step).losses["output"].cost)

    assert cost(3) == cost(3)
    assert len({cost(step) for step in range(5)}) > 1


BAD = {
    "too many": (network(num_sampled=7), "'num_sampled' must be from 1 to 6, the number of classes, found 7"),
    "splits": (network(num_sampled=2, num_splits=2), "'num_splits' must be 1, since a batch may be divided"),
    "learned": (network(num_sampled=2, sampler="learned_unigram"), "expected 'fixed_unigram' with 'unigrams'"),
    "sampler": (network(sampler="log_unifrm"), "did you mean 'log_uniform'?"),
    "unigrams": (
        network(num_sampled=2, sampler="fixed_unigram", sampler_args={"unigrams": [1, 2]}),
        "'unigrams' must have an entry for each of 6 classes, found 2",
    ),
    "negative unigrams": (
        network(num_sampled=2, sampler="fixed_unigram", sampler_args={"unigrams": [1, 2, -1, 1, 1, 1]}),
        "'unigrams' and 'distortion' must be numbers from 0",
    ),
    "argument": (
        network(num_sampled=2, sampler_args={"unigrams": [1] * 6}),
        "'sampler_args' of 'sampler' 'log_uniform' are none, found 'unigrams'",
    ),
    "layer": (
        {"output": {"class": "copy", "from": "x", "loss": "sampling_loss", "loss_opts": {"num_sampled": 2}}, "x": {"class": "softmax", "n_out": 6}},
        "needs a layer 'softmax' with the parameters W and b",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_options(name):
    net, message = BAD[name]
    with pytest.raises(NetworkError) as error:
        describe(net, EXTERN_DATA)
    assert message in str(error.value)
    assert "'output'" in str(error.value)
    assert "\n" not in str(error.value)


def test_another_activation_is_an_error():
    net = {
        "output": {
            "class": "linear",
            "activation": "tanh",
            "n_out": 6,
            "loss": "sampling_loss",
            "loss_opts": {"num_sampled": 2},
        }
    }
    spec = describe(net, EXTERN_DATA)
    params = {path: tf.zeros(p.shape) for path, p in spec.params.items()}
    data = {"data": np.zeros((1, 2, 4), "float32"), "classes": np.zeros((1, 2), "int32")}
    with pytest.raises(NetworkError, match="needs the output of a softmax"):
        run_network(spec, params, data, dict.fromkeys(data, np.int32([2])))
