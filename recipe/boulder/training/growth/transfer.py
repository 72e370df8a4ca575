"""The transfer of values from an old parameter to a new one, axis by axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import product

import numpy

from boulder.network.params import ParamSpec

_RUN = 32  # entries of an axis that follow each other in both arrays

Entries = slice | numpy.ndarray
"""Entries of an axis."""

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
    :param following: another old parameter, of which the entries in `replicas` are taken by the same formula
    :param replicas: for each axis, whether an entry is a replica of another one; None for an axis without
    """

    source: ParamSpec
    index: tuple[Index, ...] | None = None
    shares: tuple[numpy.ndarray | None, ...] = ()
    zero_elsewhere: bool = False
    following: ParamSpec | None = None
    replicas: tuple[numpy.ndarray | None, ...] = ()

    def value(self, old: Mapping[str, numpy.ndarray], begin: numpy.ndarray) -> numpy.ndarray:
        """
        :param old: path → array
        :param begin: values of the entries that come from no old one
        :return: the new array
        """
        assert self.index is not None
        result = take(old[self.source.path], begin, self.index, self.shares)
        if self.following is None or self.following.path not in old:
            return result
        following = take(old[self.following.path], begin, self.index, self.shares)
        taken = numpy.zeros(result.shape, bool)
        for axis, replicas in enumerate(self.replicas):
            if replicas is not None:
                taken |= replicas.reshape([-1 if i == axis else 1 for i in range(result.ndim)])
        return numpy.where(taken, following, result)


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
    result = numpy.empty_like(fresh) if covers(index) else fresh.copy()
    for box in product(*map(_pieces, index)):
        value = old[tuple(source if isinstance(source, slice) else slice(None) for _, source in box)]
        for axis, (_, source) in enumerate(box):
            if not isinstance(source, slice):
                value = value.take(source, axis)
        factors = [
            share[places].reshape([-1 if i == axis else 1 for i in range(value.ndim)])
            for axis, (share, (places, _)) in enumerate(zip(shares, box, strict=False))
            if share is not None
        ]
        where = [places for places, _ in box]
        if factors and all(isinstance(places, slice) for places in where):
            value = reduce(numpy.multiply, factors[:-1], value)
            # the product is rounded once, on its way into the result
            numpy.multiply(value, factors[-1], out=result[tuple(where)], casting="unsafe")
        else:
            result[_all_of(where)] = reduce(numpy.multiply, factors, value)
    return result


def covers(index: Sequence[Index]) -> bool:
    """:return: whether all entries of the new array come from old ones"""
    return all((i >= 0).all() for i in index)


def _pieces(index: Index) -> list[tuple[Entries, Entries]]:
    """:return: pairs of entries of the new axis and those of the old one; runs, which are copied fast, apart from the rest"""
    starts = numpy.flatnonzero(numpy.diff(index, prepend=-2) != 1)
    ends = numpy.append(starts[1:], len(index))[: len(starts)]
    long = (ends - starts >= _RUN) & (index[starts] >= 0)
    runs = [(int(start), int(end), int(index[start])) for start, end in zip(starts[long], ends[long], strict=True)]
    rest = index >= 0
    for start, end, _ in runs:
        rest[start:end] = False
    pieces: list[tuple[Entries, Entries]] = [
        (slice(start, end), slice(source, source + end - start)) for start, end, source in runs
    ]
    if rest.any():
        places = numpy.flatnonzero(rest)
        pieces.append((_range(places), index[places]))
    return pieces


def _range(entries: numpy.ndarray) -> Entries:
    """:return: as a slice, which is copied fast, if they follow each other"""
    if (numpy.diff(entries) == 1).all():
        return slice(int(entries[0]), int(entries[-1]) + 1)
    return entries


def _all_of(where: Sequence[Entries]) -> tuple[Entries, ...]:
    """:param where: entries along each axis"""
    if all(isinstance(places, slice) for places in where):
        return tuple(where)
    return numpy.ix_(*(numpy.r_[places] for places in where))


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


def with_following(transfer: object, following: ParamSpec, incoming: Sequence[bool]) -> Transfer:
    """
    :param transfer: of a parameter with an index
    :param following: the same parameter of the next layer
    :param incoming: for each axis, whether its entries are what the layer reads; there, replicas stay
    :return: the transfer whose replicas are taken of `following`
    """
    assert isinstance(transfer, Transfer)
    assert transfer.index is not None
    replicas = tuple(
        None if reads else _is_replica(index) for index, reads in zip(transfer.index, incoming, strict=True)
    )
    return replace(transfer, following=following, replicas=replicas)


def _is_replica(index: Index) -> numpy.ndarray:
    """:return: whether an entry of the old array has been taken before"""
    result = numpy.ones(len(index), bool)
    result[numpy.unique(index, return_index=True)[1]] = False
    return result & (index >= 0)
