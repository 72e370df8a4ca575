"""A softmax over some of the entries along an axis."""

from boulder.lazy import tf


def masked_softmax(x, mask=None, log: bool = False):
    """
    :param x: [..., n]
    :param mask: bool, broadcastable to `x`: what is True takes part; None: all
    :param log: whether to return the logarithm
    :return: [..., n], exp(x) / Σ exp(x) over the last axis; 0 (or its logarithm, -inf) where the mask is False, also if it is
        False for all of them
    """
    softmax = tf.nn.log_softmax if log else tf.nn.softmax
    if mask is None:
        return softmax(x)
    # not -inf: if all entries had it, they and their gradients would be nan
    return tf.where(mask, softmax(tf.where(mask, x, x.dtype.min)), tf.constant(float("-inf") if log else 0, x.dtype))
