"""Softmax with a mask."""

from collections.abc import Callable

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
    if log:
        return tf.where(mask, _softmax(_only(mask, x), log), tf.constant(LOG_OF_ZERO, x.dtype))
    return _with_gradient(x, lambda x: tf.where(mask, _softmax(_only(mask, x)), tf.constant(0, x.dtype)))


def softmax_over_seen(x: TFTensor, mask: TFTensor = None) -> TFTensor:
    """
    Like `masked_softmax`, and cheaper, for rows that all see an entry, or do not matter.

    :return: [..., n]; where the mask is False, 0, or any finite values if it is False everywhere
    """
    if mask is None:
        return _softmax(x)
    return _with_gradient(x, lambda x: _softmax(_only(mask, x)))


def _only(mask: TFTensor, x: TFTensor) -> TFTensor:
    """:return: `x`, the least number where the mask is False. -inf in a whole row would make the result and its gradient nan"""
    return tf.where(mask, x, x.dtype.min)


def _with_gradient(x: TFTensor, function: Callable[[TFTensor], TFTensor]) -> TFTensor:
    """
    :param function: a softmax, 0 for some entries
    :return: `function(x)`. The gradient y · (g - Σ g·y) of a softmax is 0 where y is 0; TensorFlow would mask it again
    """

    @tf.custom_gradient
    def softmax(x: TFTensor) -> tuple[TFTensor, Callable[[TFTensor], TFTensor]]:
        y = function(x)
        return y, lambda g: y * (g - tf.reduce_sum(g * y, axis=-1, keepdims=True))

    return softmax(x)


def _softmax(x: TFTensor, log: bool = False) -> TFTensor:
    function = tf.nn.log_softmax if log else tf.nn.softmax
    if x.shape.rank <= _MAX_RANK:
        return function(x)
    shape = tf.shape(x)
    result = tf.reshape(function(tf.reshape(x, [-1, shape[-1]])), shape)
    result.set_shape(x.shape)
    return result
