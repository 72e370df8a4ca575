"""Mixed precision: products in a type of 16 bits, everything else in float32.

Products are matrix products, convolutions and sums of products: the operations for which GPUs have units of their own. Their
operands are rounded to the type, and their results become float32 again. Parameters, activations, softmax, norms, losses and
LSTMs over whole sequences, which are one operation of TensorFlow, stay in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from boulder.lazy import TFTensor, tf

PRECISIONS = ("bfloat16", "float16")
_active: ContextVar[str | None] = ContextVar("precision", default=None)  # each replica has a thread of its own


@contextmanager
def in_precision(dtype: str | None) -> Iterator[None]:
    """
    Context of the operations of a network.

    :param dtype: one of `PRECISIONS`; None: float32
    """
    token = _active.set(dtype)
    try:
        yield
    finally:
        _active.reset(token)


def active_precision() -> str | None:
    """:return: the argument of the context around"""
    return _active.get()


def product(function: Callable[..., TFTensor], *operands: TFTensor) -> TFTensor:
    """:return: `function(*operands)`, computed in the precision of the context where the operands are float32"""
    dtype = _active.get()
    if dtype is None or any(operand.dtype != tf.float32 for operand in operands):
        return function(*operands)
    return tf.cast(function(*(tf.cast(operand, dtype) for operand in operands)), tf.float32)
