"""Cross-entropy with distributions whose entries need not sum to 1."""

from __future__ import annotations

from collections.abc import Callable

from boulder.lazy import TFTensor, tf


def cross_entropy(labels: TFTensor, logits: TFTensor) -> TFTensor:
    """
    The gradient with respect to the logits is softmax - labels, which takes 1 for the sum of the labels. That of TensorFlow's
    softmax_cross_entropy_with_logits is the same, but not with deterministic operations, which jobs use.

    :param labels: float32 [..., classes]
    :param logits: float32 [..., classes]
    :return: float32 [...], - Σ labels · log softmax(logits)
    """

    @tf.custom_gradient
    def cost(labels: TFTensor, logits: TFTensor) -> tuple[TFTensor, Callable[[TFTensor], tuple[TFTensor, TFTensor]]]:
        log_p = tf.nn.log_softmax(logits)

        def gradients(upstream: TFTensor) -> tuple[TFTensor, TFTensor]:
            upstream = upstream[..., tf.newaxis]
            return -log_p * upstream, (tf.exp(log_p) - labels) * upstream

        return -tf.reduce_sum(labels * log_p, axis=-1), gradients

    return cost(labels, logits)
