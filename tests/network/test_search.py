"""Beam search: an unlimited beam finds the best sequence, a beam of one is greedy."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import NetworkError
from boulder.network import describe, run_network

LABELS, MAX_LENGTH = 3, 4
EXTERN_DATA = {"data": {"dim": 2, "shape": (None, 2)}, "classes": {"dim": LABELS, "sparse": True}}


def network(beam_size, normalize, **loop):
    unit = {
        "embedding": {"class": "linear", "from": "prev:output", "n_out": 3, "activation": None, "with_bias": False},
        "s": {"class": "rec", "unit": "nativelstm2", "from": ["embedding", "base:summary"], "n_out": 6},
        "prob": {"class": "softmax", "from": ["s", "prev:s"], "target": "classes", "loss": "ce"},
        "output": {
            "class": "choice", "from": "prob", "beam_size": beam_size, "target": "classes", "initial_output": 0,
            "length_normalization": normalize,
        },
        "end": {"class": "eval", "from": "output", "eval": "tf.equal(source(0), 0)", "out_type": {"dtype": "bool"}},
    }  # fmt: skip
    return {
        "summary": {"class": "linear", "from": "data:summary", "n_out": 2, "activation": "tanh"},
        "output": {"class": "rec", "from": [], "target": "classes", "max_seq_len": MAX_LENGTH, "unit": unit, **loop},
        "decision": {"class": "decide", "from": "output", "is_output_layer": True},
    }


DATA = EXTERN_DATA | {"summary": {"dim": 2, "shape": (2,), "time_dim_axis": None}}
SUMMARIES = np.array([[0.3, -1.0], [2.0, 1.0], [-2.0, 0.4]], "float32")


def params_of(seed):
    rng = np.random.default_rng(seed)
    spec = describe(network(2, False), DATA)
    return {
        path: tf.constant(rng.normal(size=p.shape).astype("float32") * 1.5) for path, p in sorted(spec.params.items())
    }


def log_probs(params, sequence, normalize):
    """:return: [3], log probability of the sequence for each summary, from the network in training mode"""
    batch = {"summary": SUMMARIES, "classes": np.array([sequence] * 3)}
    lengths = {"classes": [len(sequence)] * 3, "data": [1] * 3, "summary": [1] * 3}
    result = run_network(describe(network(2, normalize), DATA), params, batch, lengths).layers["output/prob"]
    log_p = tf.nn.log_softmax(result.ordered(result.template.axes, result.logits)).numpy()
    total = sum(log_p[:, i, label] for i, label in enumerate(sequence))
    return total / len(sequence) if normalize else total


def sequences():
    for length in range(1, MAX_LENGTH + 1):
        for sequence in itertools.product(range(LABELS), repeat=length):
            if 0 not in sequence[:-1] and (sequence[-1] == 0 or length == MAX_LENGTH):
                yield sequence


def searched(params, beam_size, normalize, **loop):
    spec = describe(network(beam_size, normalize, **loop), DATA, "search")

    @tf.function(autograph=False)
    def search():
        lengths = {"data": [1] * 3, "summary": [1] * 3}
        result = run_network(spec, params, {"summary": SUMMARIES}, lengths, losses=False)
        decision = result.layers["decision"]
        return decision.ordered(decision.template.axes), result.lengths[decision.template.time]

    labels, lengths = search()
    return [tuple(row[:n]) for row, n in zip(labels.numpy().tolist(), lengths.numpy(), strict=True)]


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_unlimited_beam_finds_the_best_sequence(seed, normalize):
    params = params_of(seed)
    scores = {sequence: log_probs(params, sequence, normalize) for sequence in sequences()}
    found = searched(params, LABELS**MAX_LENGTH, normalize)
    for i in range(3):
        best = max(scores, key=lambda sequence: scores[sequence][i])
        assert found[i] == tuple(label for label in best if label)


def test_a_beam_of_one_is_greedy():
    params = params_of(4)
    found = searched(params, 1, False)
    for i in range(3):
        sequence = ()
        while len(sequence) < MAX_LENGTH:
            best = max(range(LABELS), key=lambda label: log_probs(params, (*sequence, label), False)[i])
            sequence = (*sequence, best)
            if best == 0:
                break
        assert found[i] == tuple(label for label in sequence if label)


def test_placement_does_not_change_the_result():
    for seed in range(5, 8):
        params = params_of(seed)
        assert searched(params, 4, True) == searched(params, 4, True, optimize_move_layers_out=False)


def test_include_eos_keeps_the_last_frame():
    params = params_of(1)
    with_end = searched(params, 9, False, include_eos=True)
    without = searched(params, 9, False)
    for a, b in zip(with_end, without, strict=True):
        assert a == (b if len(b) == MAX_LENGTH else (*b, 0))


def test_max_seq_len_can_depend_on_the_length_of_a_layer():
    spec = describe(network(2, False, max_seq_len="max_len_from('base:data') * 2 + 1"), DATA, "search")
    batch, lengths = (
        {"summary": SUMMARIES, "data": np.zeros((3, 4, 2), "float32")},
        {"data": [1, 1, 1], "summary": [1] * 3},
    )
    params = params_of(2) | {"output/rec/prob/b": tf.constant([-99.0, 0, 0])}
    result = run_network(spec, params, batch, lengths, losses=False)
    assert result.layers["decision"].value.shape == (3, 3)


def test_training_and_search_have_the_same_parameters():
    assert describe(network(2, True), DATA).params == describe(network(2, True), DATA, "search").params


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"beam_size": 0}, "layer 'output/unit/output' (choice): 'beam_size' must be at least 1, found 0"),
        ({"target": "data"}, "layer 'output/unit/output' (choice): 'target' must have class indices, but 'data' is"),
    ],
)
def test_message(change, message):
    net = network(2, True)
    net["output"]["unit"]["output"] |= change
    with pytest.raises(NetworkError) as caught:
        describe(net, DATA)
    assert str(caught.value).startswith(message)


def test_a_search_needs_a_layer_end():
    net = network(2, True)
    del net["output"]["unit"]["end"]
    with pytest.raises(NetworkError) as caught:
        describe(net, DATA, "search")
    assert str(caught.value) == (
        "layer 'output' (rec): the number of frames is unknown, since a search does not read targets; give it a 'from' with a time "
        "axis, or a layer 'end' in its subnetwork"
    )


@pytest.mark.parametrize("value", ["max_len_from('base:nothing')", "max_len_from(3)", "4 +", 0])
def test_a_wrong_max_seq_len_is_refused(value):
    with pytest.raises(NetworkError, match="layer 'output' \\(rec\\): 'max_seq_len'"):
        describe(network(2, True, max_seq_len=value), DATA, "search")


def test_a_search_can_read_the_frame_number():
    net = network(2, False)
    unit = net["output"]["unit"]
    unit["number"] = {
        "class": "eval",
        "from": ":i",
        "eval": "tf.cast(source(0), tf.float32)",
        "out_type": {"dtype": "float32"},
    }
    # labels 2, 1, then the end
    unit["prob"] = {
        "class": "eval",
        "from": "numbered",
        "eval": "tf.nn.softmax(-1e3 * tf.square(source(0) - [2.0, 1.0, 0.0]))",
    }
    unit["numbered"] = {"class": "combine", "kind": "add", "from": ["zeros", "number"]}
    unit["zeros"] = {"class": "linear", "from": "embedding", "n_out": 3, "forward_weights_init": 0}
    spec = describe(net, DATA, "search")
    params = {path: np.zeros(p.shape, "float32") for path, p in spec.params.items()}
    result = run_network(spec, params, {"summary": SUMMARIES}, {"data": [1] * 3, "summary": [1] * 3}, losses=False)
    decision = result.layers["decision"]
    assert decision.ordered(decision.template.axes).numpy().tolist() == [[2, 1]] * 3


# A search over the frames of a source

ALONG = {
    "output": {
        "class": "rec", "from": "data",
        "unit": {
            "label": {"class": "linear", "from": "prev:output", "n_out": 3, "activation": None, "with_bias": False},
            "s": {"class": "rec", "unit": "nativelstm2", "from": ["label", "data:source"], "n_out": 6},
            "prob": {"class": "softmax", "from": "s", "target": "classes", "loss": "ce"},
            "output": {"class": "choice", "from": "prob", "beam_size": LABELS**3, "target": "classes", "initial_output": 0},
        },
    },
    "decision": {"class": "decide", "from": "output", "is_output_layer": True},
}  # fmt: skip


def params_along(seed):
    rng = np.random.default_rng(seed)
    params = describe(ALONG, EXTERN_DATA, "search").params
    return {path: rng.normal(size=p.shape).astype("float32") * 1.5 for path, p in sorted(params.items())}


def along(params, frames, lengths):
    """:return: labels of each sequence"""
    spec = describe(ALONG, EXTERN_DATA, "search")
    decision = run_network(spec, params, {"data": frames}, {"data": lengths}, losses=False).layers["decision"]
    labels = decision.ordered(decision.template.axes).numpy()
    return [tuple(row[:n].tolist()) for row, n in zip(labels, lengths, strict=True)]


def cost_along(params, frames, sequence):
    batch, n = {"data": frames, "classes": np.array([sequence])}, len(sequence)
    spec = describe(ALONG, EXTERN_DATA, "train")
    return float(run_network(spec, params, batch, {"data": [n], "classes": [n]}).losses["output/prob"].cost)


def test_a_search_over_a_source_finds_the_best_labels():
    params = params_along(1)
    frames, lengths = np.random.default_rng(3).normal(size=(2, 3, 2)).astype("float32"), [3, 2]
    for row, found in enumerate(along(params, frames, lengths)):
        own = frames[row : row + 1, : lengths[row]]
        costs = {
            labels: cost_along(params, own, labels) for labels in itertools.product(range(LABELS), repeat=lengths[row])
        }
        assert found == min(costs, key=costs.get)


def test_padding_does_not_change_a_search_over_a_source():
    params, lengths = params_along(2), [6, 2, 4]
    frames = np.random.default_rng(2).normal(size=(3, 6, 2)).astype("float32")
    alone = [along(params, frames[row : row + 1, :n], [n])[0] for row, n in enumerate(lengths)]
    assert along(params, frames, lengths) == alone
