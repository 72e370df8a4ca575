"""Cross-entropy with classes. The gradient of TensorFlow's own takes two dozen operations where operations are deterministic."""

from __future__ import annotations

from collections.abc import Callable

from boulder.lazy import TFTensor, tf


def class_cross_entropy(classes: TFTensor, logits: TFTensor) -> TFTensor:
    """
    -log softmax(x)_y, with the gradient softmax(x) - one_hot(y). For an invalid class, NaN with the gradient 0; on a CPU, an error.

    :param classes: y, int32 [...]
    :param logits: x, float32 [..., classes]
    :return: float32 [...]
    """
    count = logits.shape[-1]
    valid = (classes >= 0) & (classes < count)

    @tf.custom_gradient
    def cost(logits: TFTensor) -> tuple[TFTensor, Callable[[TFTensor], TFTensor]]:
        log_p = tf.nn.log_softmax(logits)
        found = -tf.gather(log_p, classes, batch_dims=classes.shape.rank)

        def gradient(upstream: TFTensor) -> TFTensor:
            upstream = tf.where(valid, upstream, 0.0)[..., tf.newaxis]
            return (tf.exp(log_p) - tf.one_hot(classes, count)) * upstream

        return tf.where(valid, found, float("nan")), gradient

    result: TFTensor = cost(logits)
    return result
