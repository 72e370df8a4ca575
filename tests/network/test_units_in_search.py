"""Recurrent layers in a beam search: their states are reordered with the hypotheses, even where other layers read them."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe, run_network

LABELS, MAX_LENGTH, N = 3, 3, 2
EXTERN_DATA = {"data": {"dim": 2}, "classes": {"dim": LABELS, "sparse": True}}
DATA = np.random.default_rng(1).normal(size=(3, 4, 2)).astype("float32")
LENGTHS = np.array([4, 1, 3], "int32")


def network(unit: str, cls: str, beam_size: int) -> dict:
    named = unit != "GRU"
    inside = {
        "embedding": {"class": "linear", "from": "prev:output", "n_out": 3, "activation": None, "with_bias": False},
        "s": {
            "class": cls, "unit": unit, "from": ["embedding", "prev:s"], "n_out": N,
            "initial_state": {"c": "base:state", "h": "ones"} if named else "base:encoder",
        },
        "prob": {"class": "softmax", "from": ["s", "prev:seen", "prev:s"], "target": "classes", "loss": "ce"},
        "output": {"class": "choice", "from": "prob", "beam_size": beam_size, "target": "classes", "initial_output": 0,
                   "length_normalization": False},
        "memory": {"class": "get_last_hidden_state", "from": "s", "key": "c" if named else None, "n_out": N},
        "seen": {"class": "combine", "kind": "add", "from": ["memory", "out"]},
        "out": {"class": "linear", "activation": None, "from": "output", "n_out": N},
        "end": {"class": "compare", "from": "output", "value": 0},
    }  # fmt: skip
    return {
        "encoder": {"class": "rec", "unit": "GRU", "from": "data", "n_out": N, "direction": -1},
        "state": {"class": "get_last_hidden_state", "from": "encoder", "n_out": N},
        "output": {"class": "rec", "from": [], "target": "classes", "max_seq_len": MAX_LENGTH, "unit": inside},
        "decision": {"class": "decide", "from": "output", "is_output_layer": True},
    }


def log_probs(net: dict, params: dict, sequence: tuple) -> np.ndarray:
    """:return: [3], log probability of the sequence for each sequence of the batch, from the network in training mode"""
    batch, lengths = {"data": DATA, "classes": np.array([sequence] * 3)}, np.array([len(sequence)] * 3, "int32")
    result = run_network(describe(net, EXTERN_DATA), params, batch, {"data": LENGTHS, "classes": lengths})
    prob = result.layers["output/prob"]
    log_p = tf.nn.log_softmax(prob.ordered(prob.template.axes, prob.logits)).numpy()
    return sum(log_p[:, i, label] for i, label in enumerate(sequence))


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("cls", "unit"), [("rnn_cell", "LSTMBlock"), ("rec", "lstm"), ("rnn_cell", "GRU")])
def test_an_unlimited_beam_finds_the_best_sequence(cls, unit, seed):
    net = network(unit, cls, LABELS**MAX_LENGTH)
    rng, spec = np.random.default_rng(seed), describe(net, EXTERN_DATA, "search")
    params = {p: tf.constant(rng.normal(0, 2, s.shape).astype("float32")) for p, s in sorted(spec.params.items())}

    @tf.function(autograph=False)
    def search():
        result = run_network(spec, params, {"data": tf.constant(DATA)}, {"data": LENGTHS}, losses=False)
        decision = result.layers["decision"]
        return decision.ordered(decision.template.axes), result.lengths[decision.template.time]

    labels, lengths = search()
    scores = {
        sequence: log_probs(net, params, sequence)
        for length in range(1, MAX_LENGTH + 1)
        for sequence in itertools.product(range(LABELS), repeat=length)
        if 0 not in sequence[:-1] and (sequence[-1] == 0 or length == MAX_LENGTH)
    }
    for i in range(3):
        best = max(scores, key=lambda sequence: scores[sequence][i])
        assert tuple(labels[i, : lengths[i]].numpy()) == tuple(label for label in best if label)
