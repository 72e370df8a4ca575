"""Alignments of frames to the classes that automata emit: soft ones (Baum-Welch) and the best one (Viterbi)."""

from __future__ import annotations

from collections.abc import Callable

from boulder.lazy import TFTensor, tf
from boulder.network.alignments.automata import Automata


def soft_alignment(scores: TFTensor, lengths: TFTensor, automata: Automata) -> tuple[TFTensor, TFTensor]:
    """
    The forward-backward algorithm (Rabiner 1989). Neither result has a gradient: that of the cost is -posterior.

    :param scores: float32 [T, B, F], log scores of the classes
    :param lengths: int32 [B], number of frames
    :return: posterior of each class in each frame, float32 [T, B, F], 0 in the padding and for sequences without a path;
        cost of each sequence, float32 [B], -log Σ over paths of exp(score), infinite without a path
    """
    scores = _with_a_frame(scores)
    frames, batch, classes = tf.unstack(tf.shape(scores))
    start = tf.one_hot(tf.zeros([batch], tf.int32), automata.num_states, 0.0, -float("inf"))
    forward = tf.TensorArray(tf.float32, frames, clear_after_read=False)

    def step(frame: TFTensor, state: TFTensor, total: TFTensor, forward: TFTensor) -> tuple:
        forward = forward.write(frame, state)
        inside = frame < lengths
        edges = _edge_scores(scores[frame], automata) + tf.gather(state, automata.source, batch_dims=1)
        new, log_sum = _normalized(_log_sum(edges, automata.target, automata.num_states))
        return frame + 1, tf.where(inside[:, None], new, state), total + tf.where(inside, log_sum, 0.0), forward

    states, batches = tf.TensorShape([None, None]), tf.TensorShape([None])
    _, last, total, forward = tf.while_loop(
        lambda frame, *_: frame < frames,
        step,
        (0, start, tf.zeros([batch]), forward),
        (tf.TensorShape([]), states, batches, tf.TensorShape(None)),
    )
    cost = -total - tf.reduce_logsumexp(last - automata.ending, axis=1)
    posterior = tf.TensorArray(tf.float32, frames, element_shape=[None, scores.shape[2]])

    def back(frame: TFTensor, state: TFTensor, posterior: TFTensor) -> tuple:
        inside = (frame < lengths)[:, None]
        edges = _edge_scores(scores[frame], automata) + tf.gather(state, automata.target, batch_dims=1)
        through, _ = _normalized(edges + tf.gather(forward.read(frame), automata.source, batch_dims=1))
        of_classes = _sum(tf.exp(through), automata.label, classes)
        new, _ = _normalized(_log_sum(edges, automata.source, automata.num_states))
        posterior = posterior.write(frame, tf.where(inside, of_classes, 0.0))
        return frame - 1, tf.where(inside, new, state), posterior

    *_, posterior = tf.while_loop(
        lambda frame, *_: frame >= 0,
        back,
        (frames - 1, -automata.ending, posterior),
        (tf.TensorShape([]), states, tf.TensorShape(None)),
    )
    found = tf.math.is_finite(cost)
    posterior = tf.ensure_shape(posterior.stack(), scores.shape)[:-1]
    return tf.where(found[:, None], posterior, 0.0), tf.where(found, cost, float("inf"))


def best_alignment(scores: TFTensor, lengths: TFTensor, automata: Automata) -> tuple[TFTensor, TFTensor]:
    """
    The Viterbi algorithm.

    :param scores: float32 [T, B, F], log scores of the classes
    :param lengths: int32 [B], number of frames
    :return: class of each frame on the best path, int32 [T, B], 0 in the padding and for sequences without a path; its score,
        float32 [B], -infinite without a path
    """
    scores = _with_a_frame(scores)
    frames, batch, _ = tf.unstack(tf.shape(scores))
    start = tf.one_hot(tf.zeros([batch], tf.int32), automata.num_states, 0.0, -float("inf"))
    entered = tf.TensorArray(tf.int32, frames)

    def step(frame: TFTensor, state: TFTensor, entered: TFTensor) -> tuple:
        edges = _edge_scores(scores[frame], automata) + tf.gather(state, automata.source, batch_dims=1)
        best = _max(edges, automata.target, automata.num_states)
        is_best = edges == tf.gather(best, automata.target, batch_dims=1)
        number = tf.where(is_best, tf.range(tf.shape(edges)[1])[None], tf.shape(edges)[1] - 1)
        first = -_max(-number, automata.target, automata.num_states)
        return frame + 1, tf.where((frame < lengths)[:, None], best, state), entered.write(frame, first)

    states = tf.TensorShape([None, None])
    _, last, entered = tf.while_loop(
        lambda frame, *_: frame < frames, step, (0, start, entered), (tf.TensorShape([]), states, tf.TensorShape(None))
    )
    last -= automata.ending
    score, state = tf.reduce_max(last, axis=1), tf.argmax(last, axis=1, output_type=tf.int32)
    labels = tf.TensorArray(tf.int32, frames, element_shape=[None])

    def back(frame: TFTensor, state: TFTensor, labels: TFTensor) -> tuple:
        inside = (frame < lengths) & tf.math.is_finite(score)
        edge = tf.gather(entered.read(frame), state, batch_dims=1)
        edge = tf.clip_by_value(edge, 0, tf.shape(automata.label)[1] - 1)
        label = tf.where(inside, tf.gather(automata.label, edge, batch_dims=1), 0)
        before = tf.where(inside, tf.gather(automata.source, edge, batch_dims=1), state)
        return frame - 1, before, labels.write(frame, label)

    *_, labels = tf.while_loop(
        lambda frame, *_: frame >= 0,
        back,
        (frames - 1, state, labels),
        (tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape(None)),
    )
    return labels.stack()[:-1], score


def _with_a_frame(scores: TFTensor) -> TFTensor:
    """:return: the scores without a gradient, and with a frame of padding, so that there is something to stack"""
    return tf.pad(tf.stop_gradient(scores), [[0, 1], [0, 0], [0, 0]])


def _edge_scores(scores: TFTensor, automata: Automata) -> TFTensor:
    """
    :param scores: [B, F], of one frame
    :return: [B, E]
    """
    return tf.gather(scores, automata.label, batch_dims=1) - automata.cost


def _normalized(values: TFTensor) -> tuple[TFTensor, TFTensor]:
    """
    Keeps the numbers small, however long the sequence is.

    :param values: [B, N], log values
    :return: log values whose exponentials have the sum 1; the log of the sum before, [B]
    """
    log_sum = tf.reduce_logsumexp(values, axis=1, keepdims=True)
    return values - tf.where(tf.math.is_finite(log_sum), log_sum, 0.0), log_sum[:, 0]


def _log_sum(values: TFTensor, segment: TFTensor, size: TFTensor) -> TFTensor:
    """
    :param values: [B, E]
    :param segment: [B, E], numbers below `size`
    :return: [B, size], log Σ exp(value) of each segment
    """
    highest = _max(values, segment, size)
    shift = tf.where(tf.math.is_finite(highest), highest, 0.0)
    total = _sum(tf.exp(values - tf.gather(shift, segment, batch_dims=1)), segment, size)
    return tf.where(total > 0, tf.math.log(total) + shift, -float("inf"))


def _max(values: TFTensor, segment: TFTensor, size: TFTensor) -> TFTensor:
    """:return: [B, size], the highest value of each segment; of an empty one -infinite, or the lowest integer"""
    highest = _reduced(tf.math.unsorted_segment_max, values, segment, size)
    return tf.where(highest > -1e38, highest, -float("inf")) if values.dtype.is_floating else highest


def _sum(values: TFTensor, segment: TFTensor, size: TFTensor) -> TFTensor:
    return _reduced(tf.math.unsorted_segment_sum, values, segment, size)


def _reduced(reduction: Callable[..., TFTensor], values: TFTensor, segment: TFTensor, size: TFTensor) -> TFTensor:
    batch = tf.shape(values)[0]
    rows = segment + size * tf.range(batch)[:, None]
    return tf.reshape(reduction(values, rows, size * batch), [batch, size])
