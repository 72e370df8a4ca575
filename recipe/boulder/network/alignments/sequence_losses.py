"""Costs of sequences whose gradients are given, rather than derived."""

from __future__ import annotations

from collections.abc import Sequence

from boulder.lazy import TFTensor, tf
from boulder.network.alignments.alignment import best_alignment, soft_alignment
from boulder.network.alignments.automata import ctc_automata


def with_gradient(cost: TFTensor, x: TFTensor, signal: TFTensor, axes: Sequence[int]) -> TFTensor:
    """
    :param cost: float32 [B]
    :param x: float32, with the dimension B and others
    :param signal: float32 of the shape of `x`
    :param axes: the other dimensions of `x`
    :return: `cost`; the gradient of its sum with respect to `x` is `signal`, and there is no other
    """
    surrogate = tf.reduce_sum(x * tf.stop_gradient(signal), axis=list(axes))
    return tf.stop_gradient(cost) + (surrogate - tf.stop_gradient(surrogate))


def ctc_costs(
    scores: TFTensor,
    lengths: TFTensor,
    labels: TFTensor,
    num_labels: TFTensor,
    *,
    blank: int,
    label_loop: bool = True,
    normalize: bool = True,
    best_path: bool = False,
) -> tuple[TFTensor, TFTensor]:
    """
    :param scores: float32 [T, B, F], logits or log probabilities
    :param lengths: int32 [B], frames
    :param labels: int32 [B, N]
    :param num_labels: int32 [B]
    :param blank: class of the blank
    :param label_loop: see `boulder.network.automata.ctc_automata`
    :param normalize: whether a log-softmax is applied
    :param best_path: the path with the highest score only, instead of all paths
    :return: cost of each sequence, float32 [B], infinite if its labels do not fit; posterior of each class, float32 [T, B, F]
    """
    scores = tf.nn.log_softmax(scores) if normalize else scores
    automata = ctc_automata(labels, num_labels, blank, label_loop)
    if not best_path:
        posterior, cost = soft_alignment(scores, lengths, automata)
        return cost, posterior
    alignment, score = best_alignment(scores, lengths, automata)
    inside = tf.transpose(tf.sequence_mask(lengths, tf.shape(scores)[0])) & tf.math.is_finite(score)
    return -score, tf.where(inside[..., None], tf.one_hot(alignment, scores.shape[-1]), 0.0)
