"""The labels of several sources of one choice, as one label: the combinations of the best labels of each source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from boulder.lazy import TFTensor, tf


@dataclass(frozen=True)
class JointLabels:
    """
    :param log_p: float32 [B, beam, n], of each combination: the sum over the sources, which are taken as independent
    :param labels: int32 [B, beam, n_i] for each source: its best labels. A combination's number counts the last source's fastest
    """

    log_p: TFTensor
    labels: tuple[TFTensor, ...]

    @classmethod
    def of(cls, log_p: Sequence[TFTensor], sizes: Sequence[int]) -> JointLabels:
        """
        :param log_p: float32 [B, beam, labels] for each source
        :param sizes: number of best labels of each source that are combined
        """
        best = [tf.math.top_k(scores, min(size, scores.shape[-1])) for scores, size in zip(log_p, sizes, strict=True)]
        joint, labels = best[0]
        of_each = [labels]
        for scores, labels in best[1:]:
            pairs = joint[:, :, :, None] + scores[:, :, None, :]
            joint = tf.reshape(pairs, tf.concat([tf.shape(pairs)[:2], [pairs.shape[2] * pairs.shape[3]]], 0))
            of_each.append(labels)
        return cls(joint, tuple(of_each))

    def of_each_source(self, combinations: TFTensor, origins: TFTensor) -> list[TFTensor]:
        """
        :param combinations: int32 [B, new beam], numbers of combinations
        :param origins: int32 [B, new beam], the hypothesis that each continues
        :return: for each source, its labels, int32 [B, new beam]
        """
        found = []
        for labels in reversed(self.labels):
            size = labels.shape[-1]
            kept = tf.gather(labels, origins, axis=1, batch_dims=1)
            found.append(tf.gather(kept, combinations % size, axis=2, batch_dims=2))
            combinations //= size
        return found[::-1]
