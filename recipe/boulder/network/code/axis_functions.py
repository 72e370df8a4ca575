"""Functions of RETURNN's `returnn.tf.util.basic` that code in net dicts calls to move, add and index axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from boulder.errors import NetworkError
from boulder.lazy import TFTensor, tf
from boulder.network.code.running import running_code
from boulder.network.code.tensor_functions import get_shape


def get_ndim(x: TFTensor) -> int:
    """:return: number of axes"""
    rank: int = tf.convert_to_tensor(x).shape.rank
    return rank


def swapaxes(x: TFTensor, axis1: int, axis2: int) -> TFTensor:
    """:return: `x` with two axes exchanged"""
    order = list(range(get_ndim(x)))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return tf.transpose(x, order)


def move_axis(x: TFTensor, old_axis: int, new_axis: int, name: str = "move_axis") -> TFTensor:
    """:return: `x` with the axis `old_axis` at position `new_axis`"""
    order = list(range(get_ndim(x)))
    axis = order.pop(old_axis)
    order.insert(new_axis % (len(order) + 1), axis)
    return tf.transpose(x, order, name=name)


def dimshuffle(x: TFTensor, axes: Sequence[int | str], name: str = "dimshuffle") -> TFTensor:
    """
    :param axes: positions in `x`, "x" for a new axis of size 1. Axes of size 1 may be left out
    :return: `x` with these axes
    """
    with tf.name_scope(name):
        kept = [axis for axis in axes if axis != "x"]
        left_out = [axis for axis in range(get_ndim(x)) if axis not in kept]
        x = tf.squeeze(x, left_out) if left_out else x
        x = tf.transpose(x, [sorted(kept).index(axis) for axis in kept])
        return expand_multiple_dims(x, [i for i, axis in enumerate(axes) if axis == "x"])


def expand_multiple_dims(x: TFTensor, axes: Sequence[int], name: str = "expand_multiple_dims") -> TFTensor:
    """
    :param axes: positions of the new axes in the result
    :return: `x` with new axes of size 1
    """
    with tf.name_scope(name):
        rank = get_ndim(x) + len(axes)
        for axis in sorted(axis % rank for axis in axes):
            x = tf.expand_dims(x, axis)
        return x


def expand_dims_unbroadcast(
    x: TFTensor, axis: int, dim: int | TFTensor, name: str = "expand_dims_unbroadcast"
) -> TFTensor:
    """:return: `x` with a new axis, along which it is repeated `dim` times"""
    with tf.name_scope(name):
        x = tf.expand_dims(tf.convert_to_tensor(x), axis)
        return tf.repeat(x, dim, axis=axis % get_ndim(x))


def tile_transposed(x: TFTensor, axis: int, multiples: int | TFTensor) -> TFTensor:
    """:return: `x` with each entry of the axis repeated `multiples` times, one after the other"""
    return tf.repeat(x, multiples, axis=axis)


def pad_zeros_in_axis(x: TFTensor, before: int | TFTensor = 0, after: int | TFTensor = 0, axis: int = 0) -> TFTensor:
    """:return: `x` with zeros at both ends of an axis"""
    at = axis % get_ndim(x)
    return tf.pad(x, [[before, after] if i == at else [0, 0] for i in range(get_ndim(x))])


def single_strided_slice(
    x: TFTensor,
    axis: int,
    begin: int | TFTensor | None = None,
    end: int | TFTensor | None = None,
    step: int | TFTensor | None = None,
) -> TFTensor:
    """:return: `x[begin:end:step]` along an axis"""
    return x[(slice(None),) * (axis % get_ndim(x)) + (slice(begin, end, step),)]


def batch_gather(x: TFTensor, indices: TFTensor, keepdims: bool = False) -> TFTensor:
    """
    :param x: [B, T, …]
    :param indices: int [B]
    :return: `x[b, indices[b]]`, [B, …]; [B, 1, …] with `keepdims`
    """
    found = tf.gather(x, tf.expand_dims(indices, 1), batch_dims=1)
    return found if keepdims else tf.squeeze(found, 1)


def constant_with_shape(
    x: TFTensor, shape: Sequence[int | TFTensor] | TFTensor, dtype: Any = None, name: str = "constant_with_shape"
) -> TFTensor:
    """:return: the scalar `x` in each entry of a tensor of this shape"""
    return tf.fill(shape, tf.convert_to_tensor(x, dtype=dtype), name=name)


def sequence_mask(lengths: TFTensor, name: str | None = None, **kwargs: Any) -> TFTensor:
    """:return: bool [B, T]"""
    return tf.sequence_mask(lengths, name=name, **kwargs)


def sequence_mask_time_major(lengths: TFTensor, **kwargs: Any) -> TFTensor:
    """:return: bool [T, B]"""
    return tf.transpose(tf.sequence_mask(lengths, **kwargs))


def reversed(x: TFTensor) -> TFTensor:
    """:return: `x[::-1]`"""
    return x[::-1]


def nan_to_num(x: TFTensor, nan_num: float = 0.0, inf_num: float = 1e30) -> TFTensor:
    """:return: `x` with these numbers in place of NaN and of ±∞"""
    x = tf.where(tf.math.is_nan(x), tf.cast(nan_num, x.dtype), x)
    return tf.where(tf.math.is_inf(x), tf.sign(x) * tf.cast(inf_num, x.dtype), x)


def identity(x: TFTensor) -> TFTensor:
    """:return: `x`"""
    return tf.identity(x)


def flip_gradient(x: TFTensor, scale: float = 1.0) -> TFTensor:
    """:return: `x`; its gradient is multiplied by -`scale`"""

    @tf.custom_gradient
    def flipped(value: TFTensor) -> tuple[TFTensor, Callable[[TFTensor], TFTensor]]:
        return tf.identity(value), lambda gradient: -scale * gradient

    return flipped(x)


def optional_add(*args: Any) -> Any:
    """:return: the sum of those arguments that are not None; None if there are none"""
    given = [value for value in args if value is not None]
    return sum(given[1:], given[0]) if given else None


def optional_mul(*args: Any) -> Any:
    """:return: the product of those arguments that are not None; None if there are none"""
    result = None
    for value in args:
        result = value if result is None else result if value is None else result * value
    return result


def to_int32_64(x: TFTensor) -> TFTensor:
    """:return: `x` as int32, or int64 if it is that"""
    return x if x.dtype in (tf.int32, tf.int64) else tf.cast(x, tf.int32)


def to_float32(x: TFTensor) -> TFTensor:
    """:return: `x` as float32"""
    return tf.cast(x, tf.float32)


def check_input_ndim(x: TFTensor, ndim: int) -> TFTensor:
    """:raises NetworkError: if `x` has another number of axes"""
    if get_ndim(x) != ndim:
        raise NetworkError(f"check_input_ndim: found a tensor of {get_ndim(x)} axes, expected {ndim}")
    return x


def unbroadcast_to_common_shape(
    value: Any, common_shape: Sequence[int | TFTensor], ignore_axes: Sequence[int] = (), allow_only_noop: bool = False
) -> TFTensor:
    """
    :param value: its axes have the size of `common_shape`, or 1; a scalar has no axes
    :param ignore_axes: axes that keep their size
    :param allow_only_noop: whether to fail if an axis must be repeated
    :return: `value`, repeated along axes of size 1
    :raises NetworkError: see `allow_only_noop`
    """
    value = tf.convert_to_tensor(value)
    if get_ndim(value) == 0:
        value = tf.reshape(value, [1] * len(common_shape))
    sizes = zip(value.shape.as_list(), common_shape, strict=True)
    repeats = [wanted if size == 1 else 1 for size, wanted in sizes]
    repeats = [1 if axis in ignore_axes else number for axis, number in enumerate(repeats)]
    if all(isinstance(number, int) and number == 1 for number in repeats):
        return value
    if allow_only_noop:
        raise NetworkError(
            f"unbroadcast_to_common_shape: found the shape {value.shape}, expected {list(common_shape)}, as allow_only_noop says"
        )
    return tf.tile(value, repeats)


def get_global_train_flag() -> TFTensor:
    """
    :return: bool scalar
    :raises NetworkError: outside of layers
    """
    return tf.constant(_is_training("get_global_train_flag"))


def cond_on_train_flag(fn_train: Callable[[], Any], fn_eval: Callable[[], Any]) -> Any:
    """:return: `fn_train()` in training, else `fn_eval()`"""
    return fn_train() if _is_training("cond_on_train_flag") else fn_eval()


def _is_training(what: str) -> bool:
    code = running_code()
    if code is None:
        raise NetworkError(f"{what}: outside of layers it is not known whether the network is trained")
    return code.random.train


def check_shape_equal(x: TFTensor, y: TFTensor) -> TFTensor:
    """:return: `x`, once it is checked that `y` has its shape"""
    tf.debugging.assert_equal(tf.shape(x), tf.shape(y))
    return x


def get_range(start: Any, stop: Any = None) -> TFTensor:
    """:return: `tf.range`"""
    return tf.range(start) if stop is None else tf.range(start, stop)


def nd_indices(indices: TFTensor, batch_axis: int = 0, indices_batch_major: bool | None = None) -> TFTensor:
    """
    :param indices: int, with the batch axis at position `batch_axis`
    :param indices_batch_major: whether the batch comes first in each pair; None: if the batch axis comes first
    :return: int [*shape of `indices`, 2]: (b, index) or (index, b), for `tf.gather_nd`
    """
    rank = get_ndim(indices)
    batches = tf.range(tf.shape(indices)[batch_axis], dtype=indices.dtype)
    batches = tf.reshape(batches, [-1 if axis == batch_axis else 1 for axis in range(rank)])
    pair = [tf.broadcast_to(batches, get_shape(indices)), indices]
    first = batch_axis == 0 if indices_batch_major is None else indices_batch_major
    return tf.stack(pair if first else pair[::-1], axis=-1)


NAMES = (
    "batch_gather", "check_input_ndim", "check_shape_equal", "cond_on_train_flag", "constant_with_shape", "dimshuffle",
    "expand_dims_unbroadcast", "expand_multiple_dims", "flip_gradient", "get_global_train_flag", "get_ndim", "get_range",
    "identity", "move_axis", "nan_to_num", "nd_indices", "optional_add", "optional_mul", "pad_zeros_in_axis", "reversed",
    "sequence_mask", "sequence_mask_time_major", "single_strided_slice", "swapaxes", "tile_transposed", "to_float32",
    "to_int32_64", "unbroadcast_to_common_shape",
)  # fmt: skip
"""what `returnn.tf.util.basic` provides of these functions"""
