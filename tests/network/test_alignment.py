"""Soft and best alignments against all paths, one by one."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from boulder.network.alignments.alignment import best_alignment, soft_alignment
from boulder.network.alignments.automata import ctc_automata, hmm_automata, staircase_automata

BLANK = 3
SEQUENCES = [(5, [0, 1]), (4, [0, 0]), (3, []), (2, [1, 1]), (5, [2, 0, 1]), (0, []), (0, [1])]
"""number of frames, labels"""


def batch(sequences) -> tuple:
    """:return: log scores [T, B, 4], lengths, labels, numbers of labels"""
    frames, sizes = [t for t, _ in sequences], [len(labels) for _, labels in sequences]
    labels = np.zeros((len(sequences), max(sizes)), "int32")
    for row, (_, own) in zip(labels, sequences, strict=True):
        row[: len(own)] = own
    scores = np.random.default_rng(0).normal(size=(max(frames), len(sequences), 4)).astype("float32")
    return scores, tf.constant(frames), tf.constant(labels), tf.constant(sizes)


def over_paths(scores: np.ndarray, paths: list[tuple[list[int], float]]) -> tuple:
    """
    :param paths: class of each frame, cost
    :return: posterior of each class in each frame, cost, best path and its score
    """
    total, posterior, best = 0.0, np.zeros(scores.shape), (-np.inf, [0] * len(scores))
    for path, cost in paths:
        score = sum(scores[frame, label] for frame, label in enumerate(path)) - cost
        total += np.exp(score)
        for frame, label in enumerate(path):
            posterior[frame, label] += np.exp(score)
        best = max(best, (score, list(path)))
    return posterior / (total or 1), -np.log(total) if total else np.inf, best


def ctc_paths(frames: int, labels: list[int], loops: bool) -> list:
    found = []
    for path in itertools.product(range(4), repeat=frames):
        merged = [label for label, _ in itertools.groupby(path)] if loops else path
        if [label for label in merged if label != BLANK] == labels:
            found.append((list(path), 0.0))
    return found


def hmm_paths(frames: int, labels: list[int], silence: int | None, loop: float, forward: float) -> list:
    found = []
    around = [(before, after) for before in (0, 1) for after in (0, 1)] if silence is not None else [(0, 0)]
    for before, after in around:
        states = [silence] * before + labels + [silence] * after
        for cuts in itertools.combinations(range(1, frames), len(states) - 1):
            ends = np.diff([0, *cuts, frames])
            path = [state for state, n in zip(states, ends, strict=True) for _ in range(n)]
            found.append((path, loop * (frames - len(states)) + forward * len(states)))
    return found


@pytest.mark.parametrize("loops", [True, False])
def test_ctc_and_rna(loops):
    scores, lengths, labels, sizes = batch(SEQUENCES)
    automata = ctc_automata(labels, sizes, BLANK, loops)
    posterior, costs = tf.function(soft_alignment)(tf.constant(scores), lengths, automata)
    best, best_scores = tf.function(best_alignment)(tf.constant(scores), lengths, automata)
    for seq, (frames, own) in enumerate(SEQUENCES):
        expected, cost, (score, path) = over_paths(scores[:frames, seq], ctc_paths(frames, own, loops))
        np.testing.assert_allclose(posterior[:frames, seq], expected, atol=1e-6)
        assert not posterior[frames:, seq].numpy().any()
        assert float(costs[seq]) == pytest.approx(cost, rel=1e-5, abs=1e-6)
        assert best[:, seq].numpy().tolist() == path + [0] * (5 - frames)
        assert float(best_scores[seq]) == pytest.approx(score, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("silence", [None, 3])
def test_hmm_states_with_costs_of_transitions(silence):
    sequences = [(5, [0, 1, 2]), (4, [1, 1]), (3, [2]), (1, [0, 1])]
    scores, lengths, labels, sizes = batch(sequences)
    posterior, costs = soft_alignment(tf.constant(scores), lengths, hmm_automata(labels, sizes, 0.7, 0.3, silence))
    for seq, (frames, own) in enumerate(sequences):
        expected, cost, _ = over_paths(scores[:frames, seq], hmm_paths(frames, own, silence, 0.7, 0.3))
        np.testing.assert_allclose(posterior[:frames, seq], expected, atol=1e-6)
        assert float(costs[seq]) == pytest.approx(cost, rel=1e-5)


def test_a_staircase_has_one_path():
    scores, lengths, *_ = batch([(4, []), (2, [])])
    posterior, costs = soft_alignment(tf.constant(scores), lengths, staircase_automata(lengths))
    np.testing.assert_array_equal(posterior[:, 0], np.eye(4))
    np.testing.assert_array_equal(posterior[:, 1], np.eye(4) * (np.arange(4) < 2)[:, None])
    assert float(costs[1]) == pytest.approx(-scores[0, 1, 0] - scores[1, 1, 1], rel=1e-6)


def test_posteriors_of_long_sequences_are_precise():
    frames, rng = 2000, np.random.default_rng(0)
    scores = tf.nn.log_softmax(rng.normal(size=(frames, 1, 4)).astype("float32") * 3)
    automata = ctc_automata(tf.constant(rng.integers(0, 3, (1, 300), "int32")), tf.constant([300]), BLANK)
    posterior, cost = tf.function(soft_alignment)(scores, tf.constant([frames]), automata)
    np.testing.assert_allclose(tf.reduce_sum(posterior, axis=2), 1, atol=1e-4)
    assert np.isfinite(float(cost[0]))
