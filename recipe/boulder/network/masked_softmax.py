"""Softmax with a mask."""

from boulder.lazy import TFTensor, tf


def masked_softmax(x: TFTensor, mask: TFTensor = None, log: bool = False) -> TFTensor:
    """
    :param x: [..., n]
    :param mask: bool, broadcastable to `x`, True for entries that take part; None for all
    :param log: whether to return the logarithm
    :return: [..., n], exp(x) / Σ exp(x) over the last axis; 0 (or its logarithm, -inf) where the mask is False, even if it is
        False everywhere
    """
    softmax = tf.nn.log_softmax if log else tf.nn.softmax
    if mask is None:
        return softmax(x)
    # not -inf: if all entries were -inf, the result and its gradients would be nan
    return tf.where(mask, softmax(tf.where(mask, x, x.dtype.min)), tf.constant(float("-inf") if log else 0, x.dtype))
