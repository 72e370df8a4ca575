"""Norms of gradients. The square of each gradient is computed once for all that needs it: clipping, the log, the check for NaN."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from boulder.lazy import TFTensor, tf


def half_squares(gradients: Iterable[TFTensor]) -> list[TFTensor]:
    """
    :param gradients: tensors or `tf.IndexedSlices`, of which equal rows are not added up, as in TensorFlow's own clipping
    :return: ½‖g‖² of each, a scalar
    """
    return [tf.nn.l2_loss(g.values if isinstance(g, tf.IndexedSlices) else g) for g in gradients]


def joint_norm(of_gradients: Sequence[TFTensor]) -> TFTensor:
    """
    :param of_gradients: of `half_squares`
    :return: their global norm √(Σ ‖g‖²), a scalar
    """
    return tf.sqrt(2.0 * tf.reduce_sum(tf.stack(of_gradients)))
