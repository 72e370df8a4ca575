"""Sampled labels (scheduled sampling), and true labels kept among the hypotheses of a search (cheating)."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.network.layers.choice import Choice

N, FRAMES, BATCH = 4, 3, 500
EXTERN_DATA = {"classes": {"dim": N, "sparse": True}}
LOGITS = np.array([0.5, -1.0, 1.0, 0.0], "float32")
P = np.exp(LOGITS) / np.exp(LOGITS).sum()


def network(**choice):
    """The probabilities are the softmax of a bias; the previous choice is also an output."""
    unit = {
        "prob": {"class": "softmax", "from": "embedding", "target": "classes", "loss": "ce"},
        "embedding": {"class": "linear", "from": "prev:output", "n_out": 2, "activation": None, "with_bias": False},
        "output": {
            "class": "choice",
            "from": "prob",
            "beam_size": 3,
            "target": "classes",
            "initial_output": 0,
            **choice,
        },
        "before": {"class": "copy", "from": "prev:output", "is_output_layer": True},
        "end": {"class": "compare", "from": "output", "value": 0},
    }
    return {"output": {"class": "rec", "from": [], "target": "classes", "unit": unit, "max_seq_len": FRAMES}}


def params(net, scale=0.0):
    rng = np.random.default_rng(1)
    found = {path: rng.normal(size=p.shape) * scale for path, p in sorted(describe(net, EXTERN_DATA).params.items())}
    return {path: tf.constant(v + (LOGITS if path.endswith("prob/b") else 0), tf.float32) for path, v in found.items()}


TRUTH = np.random.default_rng(2).integers(0, N, (BATCH, FRAMES)).astype("int32")
LENGTHS = {"classes": np.full(BATCH, FRAMES, "int32")}


def chosen(net, step=0, train=True):
    spec = describe(net, EXTERN_DATA, "train" if train else "eval")
    result = run_network(spec, params(net), {"classes": TRUTH}, LENGTHS, train=train, step=step)
    found = [result.layers[name] for name in ("output/output", "output/before")]
    return [x.ordered(sorted(x.axes, key=lambda axis: axis.kind != "batch")).numpy() for x in found]


@pytest.mark.parametrize("train", [True, False])
def test_without_sampling_the_true_labels_are_read(train):
    labels, _ = chosen(network(), train=train)
    np.testing.assert_array_equal(labels, TRUTH)


@pytest.mark.parametrize("train", [True, False])
def test_labels_are_sampled_by_their_probability_and_fed_back(train):
    labels, before = chosen(network(scheduled_sampling=True), train=train)
    np.testing.assert_allclose(np.bincount(labels.ravel(), minlength=N) / labels.size, P, atol=0.04)
    np.testing.assert_array_equal(before[:, 1:], labels[:, :-1])
    assert not before[:, 0].any()
    assert len({tuple(column) for column in labels.T}) == FRAMES  # each frame draws its own numbers


def test_samples_depend_on_the_step_only():
    first, _ = chosen(network(scheduled_sampling=True))
    again, _ = chosen(network(scheduled_sampling=True))
    later, _ = chosen(network(scheduled_sampling=True), step=1)
    np.testing.assert_array_equal(first, again)
    assert (first != later).any()


def test_true_labels_are_mixed_in_with_the_given_probability():
    labels, _ = chosen(network(scheduled_sampling={"gold_mixin_prob": 0.7}))
    expected = 0.7 + 0.3 * P[TRUTH].mean()
    assert (labels == TRUTH).mean() == pytest.approx(expected, abs=0.04)
    all_true, _ = chosen(network(scheduled_sampling={"gold_mixin_prob": 1.0}))
    np.testing.assert_array_equal(all_true, TRUTH)


def test_sampling_does_not_change_the_parameters_in_any_mode():
    plain, sampled = network(), network(scheduled_sampling=True)
    for mode in ("train", "eval", "search"):
        assert describe(plain, EXTERN_DATA, mode).params == describe(sampled, EXTERN_DATA, mode).params


def hypotheses(cheating, truth, lengths, beam_size):
    """:return: labels [B, beam] as tuples, and scores"""
    net = network(cheating=cheating, beam_size=beam_size, length_normalization=False)
    net["output"]["include_eos"] = True
    result = run_network(
        describe(net, EXTERN_DATA, "search"), params(net, 1.0), {"classes": np.array(truth, "int32")},
        {"classes": np.array(lengths, "int32")}, losses=False,
    )  # fmt: skip
    output = result.layers["output"]
    time, beam = output.template.time, next(axis for axis in output.axes if axis.kind == "beam")
    labels = output.ordered([next(a for a in output.axes if a.kind == "batch"), beam, time]).numpy()
    sizes = result.lengths[time].numpy()
    return [
        [tuple(row[:n]) for row, n in zip(*pair, strict=True)] for pair in zip(labels, sizes, strict=True)
    ], result.beam_scores[beam].numpy()


SENTENCES, SIZES = [[3, 0, 0], [1, 1, 3], [3, 3, 0]], [2, 3, 3]


@pytest.mark.parametrize("beam_size", [1, 2, 5])
@pytest.mark.parametrize("cheating", [True, "exclusive"])
def test_cheating_keeps_the_true_labels_as_the_last_hypothesis(cheating, beam_size):
    found, _ = hypotheses(cheating, SENTENCES, SIZES, beam_size)
    for rows, sentence, n in zip(found, SENTENCES, SIZES, strict=True):
        assert rows[-1] == tuple(sentence[:n])


def test_exclusive_cheating_keeps_the_true_labels_once():
    found, _ = hypotheses("exclusive", SENTENCES, SIZES, 5)
    assert all(rows.count(rows[-1]) == 1 for rows in found)


def test_cheating_scores_the_true_labels_like_the_model():
    net = network(length_normalization=False)
    _, scores = hypotheses("exclusive", SENTENCES, SIZES, 5)
    values = params(net, 1.0)
    lengths = {"classes": np.array(SIZES, "int32")}
    spec = describe(net, EXTERN_DATA, "eval")
    for i in range(len(SENTENCES)):
        alone = {"classes": np.array(SENTENCES[i : i + 1], "int32")}
        result = run_network(spec, values, alone, {"classes": lengths["classes"][i : i + 1]})
        assert -result.losses["output/prob"].cost.numpy() == pytest.approx(scores[i, -1], rel=1e-5)


def test_a_search_without_cheating_does_not_read_true_labels():
    unit = network()["output"]["unit"]
    options = {key: value for key, value in unit["output"].items() if key not in ("class", "from")}
    assert Choice(sources="prob", **options).in_mode("search", "").dependencies("search") == ("prob",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheduled_sampling": {"gold_mixin_prob": 1.5}}, "'gold_mixin_prob' must be a number from 0 to 1, found 1.5"),
        (
            {"scheduled_sampling": {"gold": 1}},
            "'scheduled_sampling' has only the option 'gold_mixin_prob', found 'gold'",
        ),
        ({"cheating": "always"}, "'cheating'"),
    ],
)
def test_message(options, message):
    with pytest.raises(NetworkError, match="layer 'output/unit/output' \\(choice\\)") as caught:
        describe(network(**options), EXTERN_DATA)
    assert message in str(caught.value)


def test_sampling_needs_as_many_labels_as_the_target():
    net = network(scheduled_sampling=True)
    del net["output"]["unit"]["prob"]["loss"]
    net["output"]["unit"]["prob"] |= {"n_out": N + 1, "target": None}
    with pytest.raises(NetworkError, match=f"samples from {N + 1} labels, but 'classes' is"):
        describe(net, EXTERN_DATA)
