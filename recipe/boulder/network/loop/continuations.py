"""The continuations of the hypotheses of a beam search: all of them with their scores, and the best ones."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.lazy import TFTensor, tf
from boulder.network.loop.beams import NEVER


@dataclass(frozen=True)
class Continuations:
    """
    :param scores: float32 [B, old beam, n], of each hypothesis with each label
    """

    scores: TFTensor

    @property
    def num_labels(self) -> int:
        found: int = self.scores.shape[2]
        return found

    @property
    def width(self) -> int:
        found: int = self.scores.shape[1]
        return found

    def best(self, beam_size: int) -> tuple[TFTensor, TFTensor, TFTensor]:
        """:return: labels, old hypotheses and scores of the best ones, [B, beam] each, in falling order"""
        scores, positions = _top(tf.reshape(self.scores, [-1, self.width * self.num_labels]), beam_size)
        return positions % self.num_labels, positions // self.num_labels, scores

    def best_of_each(self, beam_size: int) -> tuple[TFTensor, TFTensor, TFTensor]:
        """
        :param beam_size: a multiple of the old one
        :return: the same, of each old hypothesis as many
        """
        each = beam_size // self.width
        scores, labels = _top(tf.reshape(self.scores, [-1, self.num_labels]), each)
        origins = tf.repeat(tf.range(self.width), each)[None] + tf.zeros_like(labels[: tf.shape(self.scores)[0], :1])
        return tf.reshape(labels, [-1, beam_size]), origins, tf.reshape(scores, [-1, beam_size])

    def best_and(
        self, beam_size: int, label: TFTensor, old: TFTensor, once: bool
    ) -> tuple[TFTensor, TFTensor, TFTensor]:
        """
        :param label: int32 [B]
        :param old: int32 scalar, a hypothesis
        :param once: whether this continuation may occur only once
        :return: like `best`, with the continuation of `old` by `label` in the last place
        """
        scores, n = tf.reshape(self.scores, [-1, self.width * self.num_labels]), self.num_labels
        position = (old * n + label)[:, None]
        score = tf.gather(scores, position, axis=1, batch_dims=1)
        if once:
            scores = tf.where(tf.range(self.width * n) == position, 2 * NEVER, scores)
        best, positions = _top(scores, beam_size - 1)
        positions = tf.concat([positions, position], axis=1)
        return positions % n, positions // n, tf.concat([best, score], axis=1)


def _top(scores: TFTensor, count: int) -> tuple[TFTensor, TFTensor]:
    """:return: the best scores, and their positions; if there are too few, position 0 with the score of no hypothesis"""
    found = min(count, scores.shape[1])
    best, positions = tf.math.top_k(scores, found)
    missing = [[0, 0], [0, count - found]]
    return tf.pad(best, missing, constant_values=NEVER), tf.pad(positions, missing)
