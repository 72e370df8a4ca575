"""Entries of a tensor along an axis, by their numbers: the mechanics of layers that rearrange frames."""

from __future__ import annotations

from collections.abc import Sequence

from boulder.lazy import TFTensor, tf
from boulder.network.axes import Axis
from boulder.network.layer_run import LayerRun
from boulder.network.tensor import Tensor


def taken(
    x: Tensor, axis: Axis, index: TFTensor, axes: Sequence[Axis], valid: TFTensor = None, fill: TFTensor = 0
) -> tuple[TFTensor, tuple[Axis, ...]]:
    """
    Computes y[…, i, …] = x[…, index[…, i], …].

    :param axis: axis of `x`, which the result lacks
    :param index: int32, numbers of entries along `axis`
    :param axes: axes of `index`; where `x` has one of them too, except `axis`, each entry of `x` has its own numbers
    :param valid: bool, of the shape of `index`: where it is False, `index` does not matter, and the result is `fill`
    :param fill: scalar
    :return: the entries and their axes: those of `index`, then the other ones of `x`
    """
    shared = [a for a in axes if a in x.axes and a != axis]
    new = [a for a in axes if a not in shared]
    rest = [a for a in x.axes if a != axis and a not in shared]
    value = x.ordered([*shared, axis, *rest])
    if valid is not None:
        index = tf.where(valid, index, tf.shape(value)[len(shared)])
        value = tf.pad(
            value,
            [[0, 1] if i == len(shared) else [0, 0] for i in range(len(x.axes))],
            constant_values=tf.cast(fill, value.dtype),
        )
    index = tf.transpose(index, [list(axes).index(a) for a in (*shared, *new)])
    value = tf.gather(value, index, axis=len(shared), batch_dims=len(shared))
    value.set_shape([a.size for a in (*shared, *new, *rest)])
    return value, (*shared, *new, *rest)


def length_of(run: LayerRun, axis: Axis, axes: Sequence[Axis]) -> TFTensor:
    """:return: int32, number of entries along an axis, dynamic or static, with the dimensions `axes`, of size 1 where it is the same"""
    if axis.size is not None:
        return tf.fill([1] * len(axes), axis.size)
    return run.length_over(axes, axis)


def without_padding(run: LayerRun, x: Tensor, axes: Sequence[Axis] = (), value: float = 0) -> Tensor:
    """
    :param axes: dynamic axes of `x`; none: all of them
    :return: `x` with `value` in the padding along these axes
    """
    result = x.value
    for axis in axes or [a for a in x.axes if a.has_lengths and a.size is None]:
        result = tf.where(run.mask_over(x.axes, axis), result, tf.cast(value, result.dtype))
    return x.made(result, x.axes, x.template)
