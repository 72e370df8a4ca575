"""`ce` and `ctc` against their definitions."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.network.equal_lengths import DIFFERING

LENGTHS = [5, 1, 3, 0]


def log_softmax(x):
    x = x.astype("float64")
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


# ce


@pytest.mark.parametrize("source", ["data", "time_first"])
def test_ce_is_a_sum_over_frames_without_padding(run, values, random_batch, source):
    net = {
        "time_first": {"class": "rec", "n_out": 4},
        "output": {"class": "softmax", "from": source, "loss": "ce", "target": "align"},
    }
    data, lengths = random_batch(LENGTHS)
    result = run(net, data, lengths)
    probabilities = values(result)
    cost = error = 0
    for seq, length in enumerate(LENGTHS):
        for frame in range(length):
            p, label = probabilities[seq, frame].astype("float64"), data["align"][seq, frame]
            cost -= np.log(p[label])
            error += p.argmax() != label
    assert tuple(map(float, result.losses["output"])) == pytest.approx(
        (cost, error, sum(LENGTHS), list(LENGTHS).count(0), 4), rel=1e-5
    )


def test_ce_of_one_label_per_sequence(run, values, random_batch):
    net = {"output": {"class": "softmax", "from": "data:speaker", "loss": "ce", "target": "topic"}}
    data, lengths = random_batch(LENGTHS)
    result = run(net, data, lengths)
    costs = -np.log(values(result)[np.arange(4), data["topic"]])
    assert float(result.losses["output"].cost) == pytest.approx(costs.sum(), rel=1e-5)
    assert float(result.losses["output"].frames) == 4


def test_ce_of_a_time_major_output_without_a_softmax(run, values, random_batch):
    net = {
        "lstm": {"class": "rec", "n_out": 4},
        "output": {"class": "activation", "activation": "sigmoid", "from": "lstm", "loss": "ce", "target": "align"},
    }
    data, lengths = random_batch(LENGTHS)
    result = run(net, data, lengths)
    output = values(result)
    cost = -sum(np.log(output[b, t, data["align"][b, t]]) for b, n in enumerate(LENGTHS) for t in range(n))
    assert float(result.losses["output"].cost) == pytest.approx(cost, rel=1e-5)


def test_ce_on_a_copy_of_a_softmax_uses_its_logits():
    net = {
        "p": {"class": "softmax", "n_out": 4, "with_bias": False},
        "output": {"class": "copy", "from": "p", "loss": "ce", "target": "align"},
    }
    spec = describe(net, {"data": {"dim": 1}, "align": {"dim": 4, "sparse": True}})
    params = {"p/W": np.array([[0, 0, 0, 1000]], "float32")}
    data = {"data": np.ones((1, 1, 1), "float32"), "align": np.zeros((1, 1), "int32")}
    lengths = {"data": np.array([1]), "align": np.array([1])}
    assert float(run_network(spec, params, data, lengths).losses["output"].cost) == 1000


def test_output_and_target_must_have_the_same_lengths(run, random_batch):
    import tensorflow as tf

    data, lengths = random_batch(LENGTHS)
    lengths["align"] = np.array([5, 1, 2, 0], "int32")
    with pytest.raises(tf.errors.InvalidArgumentError, match=DIFFERING) as caught:
        run({"output": {"class": "softmax", "loss": "ce", "target": "align"}}, data, lengths)
    found = re.search(DIFFERING, str(caught.value)).groups()
    assert found == ("output", "time:data", "time:align", "2", "3", "2")


# ctc


def collapsed(path, blank):
    return [label for label, _ in itertools.groupby(path) if label != blank]


def brute_force_cost(log_probabilities, labels) -> float:
    """:return: -log of the sum over all paths of T labels and blanks that collapse to `labels`; inf without such a path"""
    frames, classes = log_probabilities.shape
    total = sum(
        np.exp(sum(log_probabilities[t, label] for t, label in enumerate(path)))
        for path in itertools.product(range(classes), repeat=frames)
        if collapsed(path, classes - 1) == list(labels)
    )
    return -np.log(total) if total else np.inf


def edit_distance(a, b) -> int:
    table = np.add.outer(np.arange(len(a) + 1), np.arange(len(b) + 1))
    for i, j in itertools.product(range(len(a)), range(len(b))):
        table[i + 1, j + 1] = min(table[i, j] + (a[i] != b[j]), table[i, j + 1] + 1, table[i + 1, j] + 1)
    return int(table[-1, -1])


def run_ctc(sequences, classes: int):
    """
    :param sequences: a list of (logits [T, classes + 1], labels)
    :return: (cost, error, frames, sequences left out, all sequences), gradient of the cost
    """
    import tensorflow as tf

    net = {"output": {"class": "activation", "activation": "softmax", "loss": "ctc"}}
    spec = describe(net, {"data": {"dim": classes + 1}, "classes": {"dim": classes, "sparse": True}})
    data = {
        "data": np.zeros((len(sequences), max(len(x) for x, _ in sequences), classes + 1), "float32"),
        "classes": np.zeros((len(sequences), max(len(labels) for _, labels in sequences)), "int32"),
    }
    for seq, (scores, labels) in enumerate(sequences):
        data["data"][seq, : len(scores)] = scores
        data["classes"][seq, : len(labels)] = labels
    lengths = {
        "data": np.array([len(x) for x, _ in sequences], "int32"),
        "classes": np.array([len(labels) for _, labels in sequences], "int32"),
    }
    x = tf.constant(data["data"])
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = run_network(spec, {}, data | {"data": x}, lengths).losses["output"]
    return tuple(map(float, loss)), tape.gradient(loss.cost, x).numpy()


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_ctc_sums_over_all_alignments_and_excludes_sequences_without_one(data):
    classes = data.draw(st.integers(1, 3), "classes")
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6), "seed"))
    sizes = data.draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=4), "sizes")
    sequences = [(rng.normal(size=(t, classes + 1)), rng.integers(0, classes, n).tolist()) for t, n in sizes]
    cost = error = frames = impossible = 0
    for scores, labels in sequences:
        own = brute_force_cost(log_softmax(scores), labels)
        if np.isfinite(own):
            cost += own
            error += edit_distance(collapsed(scores.argmax(-1), classes), labels)
            frames += len(labels)
        impossible += not np.isfinite(own)
    loss, gradient = run_ctc(sequences, classes)
    assert loss == pytest.approx((cost, error, frames, impossible, len(sequences)), rel=1e-4, abs=1e-5)
    assert np.isfinite(gradient).all()
    for seq, (scores, labels) in enumerate(sequences):
        left_out = not np.isfinite(brute_force_cost(log_softmax(scores), labels))
        assert not left_out or not gradient[seq].any()
        assert not gradient[seq, len(scores) :].any()


def test_ctc_gradient_equals_finite_differences():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=(4, 3)), [1, 1]
    gradient = run_ctc([(scores, labels)], 2)[1][0]
    for t, k in itertools.product(range(4), range(3)):
        step = np.zeros_like(scores)
        step[t, k] = 1e-4
        difference = [brute_force_cost(log_softmax(scores + sign * step), labels) for sign in (1, -1)]
        assert gradient[t, k] == pytest.approx((difference[0] - difference[1]) / 2e-4, abs=1e-4)


def test_two_equal_labels_need_a_blank_between_them():
    scores = np.zeros((2, 3))
    assert run_ctc([(scores, [0, 1])], 2)[0] == pytest.approx((np.log(9), 1, 2, 0, 1))
    assert run_ctc([(scores, [0, 0])], 2)[0] == (0, 0, 0, 1, 1)


def test_losses_of_several_layers(run, random_batch):
    net = {
        "aux": {"class": "softmax", "loss": "ce", "target": "align", "loss_scale": 0.3},
        "zero": {"class": "softmax", "loss": "ce", "target": "align", "loss_scale": 0},
        "output": {"class": "softmax", "from": "aux", "loss": "ctc"},
    }
    result = run(net, *random_batch(LENGTHS))
    assert set(result.losses) == {"aux", "zero", "output"}  # scales are applied in the objective
    data, lengths = random_batch(LENGTHS)
    del data["align"], data["classes"]
    assert run(net, data, lengths, losses=False).losses == {}


def test_loss_opts_may_contain_the_scale(extern_data):
    def scales(**options):
        net = {"output": {"class": "softmax", "loss": "ce", "target": "align", **options}}
        return {name: loss.scale for name, loss in describe(net, extern_data).losses.items()}

    assert scales(loss_opts={"scale": 0.3}) == {"output": 0.3}
    assert scales(loss_opts={"scale": 0}) == {"output": 0}
    assert scales(loss_opts={"scale": 0.3}, loss_scale=0.3) == {"output": 0.3}
    with pytest.raises(NetworkError, match=r"'loss_scale' is 0\.5, but 'scale' in 'loss_opts' 0\.3"):
        scales(loss_opts={"scale": 0.3}, loss_scale=0.5)


def test_ctc_of_logits_and_with_clipped_targets(run, random_batch):
    data, lengths = random_batch([4, 3, 2])
    data["data"] = data["data"][:, :, :4]
    lengths["classes"] = np.array([4, 3, 2], "int32")
    data["classes"] = np.tile([[0, 1, 2, 0]], (3, 1))

    def cost(cut=0, **options):
        net = {
            "l": {"class": "linear", "n_out": 4},
            "output": {"class": "copy", "from": "l", "loss": "ctc", "loss_opts": options},
        }
        own = lengths | {"classes": lengths["classes"] - cut}
        return float(
            run(net, data | {"data": np.pad(data["data"], [[0, 0], [0, 0], [0, 1]])}, own).losses["output"].cost
        )

    assert cost(output_in_log_space=True, auto_clip_target_len=True) == pytest.approx(cost(1, output_in_log_space=True))
    assert cost(output_in_log_space=True) != pytest.approx(cost(1, output_in_log_space=True))
