"""Softmax with a mask."""

from boulder.lazy import TFTensor, tf

_MAX_RANK = 5  # of TensorFlow's softmax on a CPU
LOG_OF_ZERO = -1e30
"""The logarithm of a weight of 0. It is finite: in products with 0, as of dropout, infinity becomes nan."""


def masked_softmax(x: TFTensor, mask: TFTensor = None, log: bool = False) -> TFTensor:
    """
    :param x: [..., n]
    :param mask: bool, broadcastable to `x`, True for entries that take part; None for all
    :param log: whether to return the logarithm
    :return: [..., n], exp(x) / Σ exp(x) over the last axis; 0 (or `LOG_OF_ZERO`) where the mask is False, even if it is False
        everywhere
    """
    if mask is None:
        return _softmax(x, log)
    # not -inf: if all entries were -inf, the result and its gradients would be nan
    return tf.where(
        mask, _softmax(tf.where(mask, x, x.dtype.min), log), tf.constant(LOG_OF_ZERO if log else 0, x.dtype)
    )


def _softmax(x: TFTensor, log: bool) -> TFTensor:
    function = tf.nn.log_softmax if log else tf.nn.softmax
    if x.shape.rank <= _MAX_RANK:
        return function(x)
    shape = tf.shape(x)
    result = tf.reshape(function(tf.reshape(x, [-1, shape[-1]])), shape)
    result.set_shape(x.shape)
    return result
