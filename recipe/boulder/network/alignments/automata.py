"""Automata over the frames of sequences, of one batch: each path from state 0 to a final state is an alignment."""

from __future__ import annotations

from typing import NamedTuple

from boulder.lazy import TFTensor, tf


class Automata(NamedTuple):
    """
    An edge is taken in one frame and emits one class. Every automaton starts in state 0.

    :param source: int32 [B, E], the state that an edge leaves
    :param target: int32 [B, E], the state that it enters
    :param label: int32 [B, E], the class that it emits
    :param cost: float32 [B, E], negative log weight; infinite for edges that are not there
    :param ending: float32 [B, S], negative log weight of a path's end in the state; infinite where none may end
    """

    source: TFTensor
    target: TFTensor
    label: TFTensor
    cost: TFTensor
    ending: TFTensor

    @property
    def num_states(self) -> TFTensor:
        """:return: int32 scalar, S"""
        return tf.shape(self.ending)[1]


def ctc_automata(labels: TFTensor, lengths: TFTensor, blank: int, label_loop: bool = True) -> Automata:
    """
    The topology of CTC (Graves et al. 2006): blanks before, between and after the labels, each of them optional.

    :param labels: int32 [B, N]
    :param lengths: int32 [B]
    :param blank: class of the blank
    :param label_loop: whether a label may last several frames, so that a blank between two equal labels is needed; otherwise each
        label lasts one frame (RNA, Sak et al. 2017)
    """
    batch, size = tf.unstack(tf.shape(labels))
    blanks = tf.fill([batch, size + 1], blank)
    padded = tf.pad(labels, [[0, 0], [0, 1]])
    emitted = tf.reshape(tf.stack([blanks, padded], axis=2), [batch, -1])[:, :-1]  # [B, P], P = 2·N + 1
    position = tf.range(2 * size + 1)[None]
    is_label, there = position % 2 == 1, position <= 2 * lengths[:, None]
    before = tf.pad(emitted, [[0, 0], [2, 0]], constant_values=-1)[:, :-2]  # of the previous label
    skips = is_label & (emitted != before) if label_loop else is_label
    loops = tf.ones_like(is_label) if label_loop else ~is_label
    state = position + 1
    return _assembled(
        emitted,
        [(state, state, loops & there, 0.0), (state - 1, state, there, 0.0), (state - 2, state, skips & there, 0.0)],
        ending=_endings(2 * size + 2, 2 * lengths, 2 * lengths + 1),
    )


def hmm_automata(
    labels: TFTensor, lengths: TFTensor, loop: float = 0.0, forward: float = 0.0, silence: int | None = None
) -> Automata:
    """
    A chain of HMM states, each of which lasts one frame or more.

    :param labels: int32 [B, N], classes of the states
    :param lengths: int32 [B]
    :param loop: cost of staying in a state
    :param forward: cost of entering a state
    :param silence: class of a state before the first one and after the last one, both optional; None: none
    """
    emitted, count, size = labels, lengths[:, None], tf.shape(labels)[1]
    if silence is not None:
        number = tf.range(size + 2)[None]
        shifted = tf.pad(labels, [[0, 0], [1, 1]], constant_values=silence)
        emitted, count = tf.where(number == count + 1, silence, shifted), count + 2
    position = tf.range(tf.shape(emitted)[1])[None]
    state, there = position + 1, position < count
    edges = [(state, state, there, loop), (state - 1, state, there, forward)]
    ends = [count[:, 0]]
    if silence is not None:
        edges.append((state - 2, state, there & (position == 1), forward))
        ends.append(count[:, 0] - 1)
    return _assembled(emitted, edges, ending=_endings(tf.shape(emitted)[1] + 1, *ends))


def staircase_automata(lengths: TFTensor) -> Automata:
    """
    Class 0 in the first frame, class 1 in the second one, and so on.

    :param lengths: int32 [B], number of frames
    """
    size = tf.reduce_max(lengths)
    position, there = tf.range(size)[None], tf.sequence_mask(lengths)
    emitted = tf.tile(position, [tf.shape(lengths)[0], 1])
    return _assembled(emitted, [(position, position + 1, there, 0.0)], ending=_endings(size + 1, lengths))


def _assembled(emitted: TFTensor, edges: list[tuple], ending: TFTensor) -> Automata:
    """
    :param emitted: int32 [B, P], class of the edges that enter each of P states
    :param edges: sources [1, P], targets [1, P], whether the edges are there [B, P] or [1, P], cost
    """
    shape, parts = tf.shape(emitted), []
    for source, target, there, cost in edges:
        there = tf.broadcast_to(there & (source >= 0), shape)
        source, target = (tf.broadcast_to(tf.maximum(state, 0), shape) for state in (source, target))
        parts.append((source, target, emitted, tf.where(there, cost, float("inf"))))
    sources, targets, labels, costs = (tf.concat(part, axis=1) for part in zip(*parts, strict=True))
    return Automata(sources, targets, labels, costs, ending)


def _endings(size: TFTensor, *numbers: TFTensor) -> TFTensor:
    """
    :param numbers: int32 [B]
    :return: float32 [B, size], 0 for these states, and infinite for the others
    """
    some = tf.reduce_any([tf.one_hot(number, size, True, False, dtype=tf.bool) for number in numbers], axis=0)
    return tf.where(some, 0.0, float("inf"))
