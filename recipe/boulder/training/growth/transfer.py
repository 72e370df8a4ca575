"""The transfer of values from an old parameter to a new one, axis by axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from boulder.network.params import ParamSpec

Index = numpy.ndarray
"""For each entry along an axis of the new array, the entry of the old array, or -1 for none."""


@dataclass(frozen=True)
class Transfer:
    """
    new[i, j, …] = old[a(i), b(j), …] · s(i) · t(j) · …, or a fresh value or 0 if one of a(i), b(j), … is -1.

    :param source: the old parameter
    :param index: a, b, …, one per axis; None to copy the array unchanged
    :param shares: s, t, …, one per axis; None for 1
    :param zero_elsewhere: use 0 instead of fresh values
    """

    source: ParamSpec
    index: tuple[Index, ...] | None = None
    shares: tuple[numpy.ndarray | None, ...] = ()
    zero_elsewhere: bool = False


def entire(size: int) -> Index:
    """:return: index of an unchanged axis"""
    return numpy.arange(size)


def as_it_was(transfer: Transfer, shape: tuple[int, ...]) -> bool:
    """:return: whether a new array of `shape` is an unchanged copy of the old one"""
    old = transfer.source.shape
    if transfer.index is None or old != shape:
        return transfer.index is None
    plain = all(share is None or (share == 1).all() for share in transfer.shares)
    return plain and all((index == entire(size)).all() for index, size in zip(transfer.index, old, strict=True))


def take(
    old: numpy.ndarray, fresh: numpy.ndarray, index: Sequence[Index], shares: Sequence[numpy.ndarray | None] = ()
) -> numpy.ndarray:
    """:return: the result of `Transfer`'s formula, an array of the shape and dtype of `fresh`"""
    result = fresh.copy()
    filled = [numpy.flatnonzero(i >= 0) for i in index]
    value = old[numpy.ix_(*(i[at] for i, at in zip(index, filled, strict=True)))]
    for axis, share in enumerate(shares):
        if share is not None:
            along = [1] * value.ndim
            along[axis] = -1
            value = value * share[filled[axis]].reshape(along)
    result[numpy.ix_(*filled)] = value
    return result


def beginnings(old_sizes: Sequence[int], new_sizes: Sequence[int], partner: Sequence[int | None]) -> Index:
    """
    :param old_sizes: sizes of the parts of the old axis
    :param new_sizes: sizes of the parts of the new axis
    :param partner: for each new part, the number of the old part that fills its beginning
    :return: index of the new axis
    """
    starts = numpy.cumsum([0, *old_sizes])
    index = []
    for size, number in zip(new_sizes, partner, strict=True):
        part = numpy.full(size, -1)
        if number is not None:
            common = min(size, old_sizes[number])
            part[:common] = starts[number] + entire(common)
        index.append(part)
    return numpy.concatenate(index) if index else entire(0)
