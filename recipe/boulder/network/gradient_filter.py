"""`grad_filter`: gradients of sequences that are too large are left out."""

from __future__ import annotations

from collections.abc import Callable

from boulder.lazy import TFTensor, tf
from boulder.network.axes import BATCH
from boulder.network.tensor import Tensor


def filtered(x: Tensor, threshold: float) -> Tensor:
    """:return: `x`, whose gradient is 0 for a sequence if the square of one of its entries is not below `threshold`"""
    others = [i for i, axis in enumerate(x.axes) if axis.kind != BATCH]

    def kept(gradient: TFTensor) -> TFTensor:
        small = tf.reduce_max(gradient**2, axis=others, keepdims=True) < threshold
        return tf.where(small, gradient, tf.zeros_like(gradient))

    @tf.custom_gradient
    def identity(value: TFTensor) -> tuple[TFTensor, Callable[[TFTensor], TFTensor]]:
        return tf.identity(value), kept

    return x.mapped(identity)
