"""`triplet_loss`, `bleu` and the alignments of `via_layer`, against their definitions."""

import collections
import math

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe, run_network


def of(network: dict, extern_data: dict, data: dict, lengths: dict):
    """:return: the loss of the output layer, and its gradient with respect to the stream `data`"""
    x = tf.constant(data["data"])
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = run_network(describe(network, extern_data), {}, {**data, "data": x}, lengths).losses["output"]
    return loss, tape.gradient(loss.cost, x)


def triplet(embeddings: np.ndarray, labels: np.ndarray, margin: float) -> float:
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    total = 0.0
    for a, x in zip(labels, unit, strict=True):
        for b, y in zip(labels, unit, strict=True):
            distance = 1 - x @ y
            total += distance / 2 if a == b or b == 0 else max(margin - distance, 0) / 2
    return total


@pytest.mark.parametrize("views", [1, 2])
def test_triplets(views):
    rng, options = np.random.default_rng(0), {"margin": 0.7, "multi_view_training": views == 2}
    x = rng.normal(size=(4, 6 * views)).astype("float32")
    classes = np.array([[0, 0, 1], [1, 1, 2], [0, 0, 2], [3, 3, 0]], "int32")
    network = {"output": {"class": "copy", "from": "data", "loss": "triplet_loss", "loss_opts": options}}
    extern_data = {"data": {"dim": 6 * views, "time_dim_axis": None}, "classes": {"dim": 4, "sparse": True}}
    loss, _ = of(network, extern_data, {"data": x, "classes": classes}, {"classes": np.int32([3] * 4)})
    parts, labels = np.split(x, 3 * views, axis=1), classes.T.reshape(-1)
    if views == 1:
        expected = triplet(np.concatenate(parts), labels, 0.7)
    else:
        groups = [(parts[0], parts[4], parts[5]), (parts[1], parts[4], parts[2])]
        expected = sum(triplet(np.concatenate(group), labels, 0.7) for group in groups)
    assert float(loss.cost) == pytest.approx(expected, rel=1e-5)
    assert float(loss.frames) == 9 * 4 * views


def test_triplets_of_another_number_of_samples_are_an_error():
    network = {"output": {"class": "copy", "from": "data", "loss": "triplet_loss", "loss_opts": {"margin": 1.0}}}
    extern_data = {"data": {"dim": 6, "time_dim_axis": None}, "classes": {"dim": 4, "sparse": True}}
    data = {"data": np.ones((2, 6), "float32"), "classes": np.zeros((2, 4), "int32")}
    with pytest.raises(tf.errors.InvalidArgumentError, match="must have three frames"):
        of(network, extern_data, data, {"classes": np.int32([3, 4])})


def test_deep_clustering():
    options = {"embedding_dimension": 3, "nr_of_sources": 2}
    network = {
        "output": {"class": "copy", "from": "data", "loss": "deep_clustering", "target": "dense", "loss_opts": options}
    }
    rng = np.random.default_rng(0)
    data = {"data": rng.normal(size=(2, 4, 6)).astype("float32"), "dense": rng.normal(size=(2, 4, 4)).astype("float32")}
    lengths = {"data": np.int32([4, 3]), "dense": np.int32([4, 3])}
    loss, gradient = of(network, {"data": {"dim": 6}, "dense": {"dim": 4}}, data, lengths)
    expected = 0.0
    for x, y, n in zip(data["data"], data["dense"], (4, 3), strict=True):
        v, sources = x[:n].reshape(2 * n, 3), y[:n].reshape(2 * n, 2)
        expected += ((v @ v.T - sources @ sources.T) ** 2).sum()
    assert float(loss.cost) == pytest.approx(expected, rel=1e-5)
    assert not gradient[1, 3].numpy().any()


def bleu(found: list[int], truth: list[int]) -> float:
    log_sum, smooth, some = 0.0, 1, False
    for order in range(1, 5):
        own, other = (
            collections.Counter(tuple(labels[i : i + order]) for i in range(len(labels) - order + 1))
            for labels in (found, truth)
        )
        if own:
            some, matches = True, sum((own & other).values())
            smooth *= 1 if matches else 2
            log_sum += math.log((matches or 1 / smooth) / sum(own.values()))
    if not some or not truth:
        return 0.0
    return math.exp(log_sum / 4) * min(1.0, math.exp(1 - len(truth) / len(found)))


def test_bleu():
    rng = np.random.default_rng(1)
    pairs = [
        (rng.integers(0, 3, n).tolist(), rng.integers(0, 3, m).tolist()) for n in (0, 1, 4, 9, 12) for m in (1, 5, 9)
    ]
    pairs += [(labels, labels) for labels, _ in pairs if labels]
    network = {"output": {"class": "copy", "from": "data", "loss": "bleu"}}
    extern_data = {"data": {"dim": 3, "sparse": True}, "classes": {"dim": 3, "sparse": True}}
    data, lengths = {}, {}
    for number, key in enumerate(("data", "classes")):
        own = [pair[number] for pair in pairs]
        lengths[key] = np.int32([len(labels) for labels in own])
        data[key] = np.int32([labels + [2] * (12 - len(labels)) for labels in own])
    loss = run_network(describe(network, extern_data), {}, data, lengths).losses["output"]
    assert float(loss.error) == pytest.approx(-sum(bleu(*pair) for pair in pairs), rel=1e-5)
    assert float(loss.frames) == sum(len(truth) for _, truth in pairs)


def test_a_sequence_without_a_path_has_neither_cost_nor_gradient():
    network = {
        "bw": {"class": "fast_bw", "from": "data", "align_target": "ctc", "input_type": "log_prob"},
        "output": {"class": "copy", "from": "data", "loss": "via_layer", "loss_opts": {"align_layer": "bw"}},
    }
    extern_data = {"data": {"dim": 3}, "classes": {"dim": 2, "sparse": True}}
    data = {"data": np.log(np.full((2, 3, 3), 1 / 3, "float32")), "classes": np.int32([[0, 1], [0, 0]])}
    loss, gradient = of(network, extern_data, data, {"data": np.int32([3, 2]), "classes": np.int32([2, 2])})
    assert float(loss.cost) == pytest.approx(-math.log(5 / 27), rel=1e-5)  # 0 0 1, 0 1 1, and three with a blank
    assert gradient[0].numpy().any()
    assert not gradient[1].numpy().any()


def test_a_fake_upper_bound_keeps_the_gradient():
    network = {"output": {"class": "activation", "activation": "softmax", "loss": "ce"}}
    bounded = {"output": {**network["output"], "loss_opts": {"fake_upper_bound": 1.0}}}
    extern_data = {"data": {"dim": 2}, "classes": {"dim": 2, "sparse": True}}
    data = {"data": np.float32([[[5, 0], [0.1, 0]]]), "classes": np.int32([[1, 0]])}
    args = extern_data, data, {"data": np.int32([2]), "classes": np.int32([2])}
    (loss, gradient), (free, expected) = of(bounded, *args), of(network, *args)
    assert float(free.cost) > 5
    assert float(loss.cost) == pytest.approx(1 + math.log(1 + math.exp(-0.1)), rel=1e-5)
    np.testing.assert_array_equal(gradient, expected)
