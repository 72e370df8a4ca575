"""Functions of RETURNN's `returnn.tf.util.basic` that code in net dicts calls on tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.code.random_numbers import drawn
from boulder.network.code.running import running_code


def get_shape(x: TFTensor) -> list[TFTensor]:
    """:return: size of each axis, an int where it is static, otherwise a scalar tensor"""
    static = x.shape.as_list()
    dynamic = tf.shape(x)
    return [size if size is not None else dynamic[axis] for axis, size in enumerate(static)]


def get_shape_dim(x: TFTensor, axis: int, name: str = "shape_dim") -> TFTensor:
    """:return: size of an axis, an int where it is static, otherwise a scalar tensor"""
    static = x.shape.as_list()[axis]
    return tf.shape(x, name=name)[axis] if static is None else static


def safe_log(x: TFTensor, eps: float = 1e-20, use_fake_grad: bool = True) -> TFTensor:
    """
    :param use_fake_grad: whether the gradient of entries below `eps` is that of `eps`; otherwise it is 0
    :return: log(max(x, eps)); for a softmax, exp or sigmoid x, its exact logarithm, which needs no `eps`
    """
    for operation, logarithm in (
        ("Softmax", tf.nn.log_softmax),
        ("Exp", tf.identity),
        ("Sigmoid", tf.math.log_sigmoid),
    ):
        if (argument := _argument(operation, x)) is not None:
            return logarithm(argument)
    clipped = tf.maximum(x, tf.cast(eps, x.dtype))
    return tf.math.log(_with_gradient_of(x, clipped) if use_fake_grad else clipped)


def safe_exp(x: TFTensor, eps: float = 1e-20) -> TFTensor:
    """:return: exp(x), clipped to the range from `eps` to 1 / `eps`; likewise exact for a logarithm x"""
    for operation, exponential in (("LogSoftmax", tf.nn.softmax), ("Log", tf.identity)):
        if (argument := _argument(operation, x)) is not None:
            return exponential(argument)
    return tf.exp(_with_gradient_of(x, tf.clip_by_value(x, math.log(eps), -math.log(eps))))


def _argument(operation: str, x: TFTensor) -> TFTensor | None:
    """:return: y, if `x` is this operation of y; None also where TensorFlow computes without a graph, and so does not know"""
    if not tf.is_symbolic_tensor(x):
        return None
    while x.op.type == "Identity":
        x = x.op.inputs[0]
    return x.op.inputs[0] if x.op.type == operation else None


def _with_gradient_of(x: TFTensor, value: TFTensor) -> TFTensor:
    """:return: `value`, with the gradient of `x`"""

    @tf.custom_gradient
    def passed(_x: TFTensor) -> tuple[TFTensor, Callable[[TFTensor], TFTensor]]:
        return tf.identity(value), lambda gradient: gradient

    result: TFTensor = passed(x)
    return result


def where_bc(
    condition: TFTensor,
    x: TFTensor,
    y: TFTensor,
    allow_broadcast_all_sources: bool | None = None,
    name: str = "where_bc",
) -> TFTensor:
    """
    Computes `tf.where` with broadcasting, also over missing trailing axes: a condition [B] selects rows of [B, D].

    :param allow_broadcast_all_sources: has no effect here
    """
    with tf.name_scope(name):
        x, y = _converted_together(x, y)
        tensors = [tf.convert_to_tensor(condition), x, y]
        rank = max(tensor.shape.rank for tensor in tensors)
        return tf.where(*(_with_rank(tensor, rank) for tensor in tensors))


def _converted_together(x: TFTensor, y: TFTensor) -> tuple[TFTensor, TFTensor]:
    if tf.is_tensor(y) and not tf.is_tensor(x):
        return tf.convert_to_tensor(x, dtype=y.dtype), y
    x = tf.convert_to_tensor(x)
    return x, y if tf.is_tensor(y) else tf.convert_to_tensor(y, dtype=x.dtype)


def _with_rank(tensor: TFTensor, rank: int) -> TFTensor:
    if tensor.shape.rank in (0, rank):
        return tensor
    return tf.reshape(tensor, [*get_shape(tensor), *[1] * (rank - tensor.shape.rank)])


def dropout(
    x: TFTensor,
    keep_prob: float | TFTensor,
    noise_shape: Sequence[int | None] | TFTensor = None,
    seed: int | None = None,
    name: str | None = None,
    cond_on_train: bool = False,
    apply_correction_factor: bool = True,
    grad_checkpointing: bool = False,
) -> TFTensor:
    """
    :param keep_prob: a number, or a scalar tensor
    :param noise_shape: 1 shares the mask along an axis, None does not
    :param cond_on_train: whether to drop entries in training only
    :param apply_correction_factor: whether to divide by `keep_prob`
    :param grad_checkpointing: has no effect
    :raises NetworkError: for `cond_on_train` outside of layers, or an invalid `keep_prob`
    """
    code = running_code()
    if cond_on_train and code is None:
        raise NetworkError(
            "dropout: found cond_on_train=True outside of layers, where it is not known whether the network is trained"
        )
    if cond_on_train and code is not None and not code.random.train:
        return x
    with tf.name_scope(name or "dropout"):
        x = tf.convert_to_tensor(x)
        if isinstance(keep_prob, int | float):
            if not 0 < keep_prob <= 1:
                raise NetworkError(f"dropout: found keep_prob {keep_prob!r}, expected more than 0 and at most 1")
            if keep_prob == 1:
                return x
        if noise_shape is None:
            noise_shape = get_shape(x)
        elif isinstance(noise_shape, list | tuple):
            noise_shape = [get_shape_dim(x, axis) if n is None else n for axis, n in enumerate(noise_shape)]
        keep_prob = tf.cast(keep_prob, x.dtype)
        uniform = drawn("random.uniform", tf.random.uniform)
        kept = tf.floor(keep_prob + uniform(noise_shape, seed=seed, dtype=x.dtype))
        return x * (kept / keep_prob if apply_correction_factor else kept)


FUNCTIONS = {
    function.__name__: function for function in (dropout, get_shape, get_shape_dim, safe_exp, safe_log, where_bc)
}
"""Functions that the text of an `eval` may call by these names."""
