"""`epoch_wise_filter`: only short sequences in the first epochs, as RETURNN's `EpochWiseFilter`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from boulder.data.option_checks import is_integer, is_number
from boulder.errors import DataError, nearest

_OPTIONS = ("max_mean_len",)


@dataclass(frozen=True)
class EpochFilter:
    """
    :param first: first epoch to which it applies
    :param last: last epoch; infinity: there is none
    :param max_mean_len: mean length of the sequences that are kept, in frames; None: all are kept
    """

    first: int
    last: float
    max_mean_len: float | None

    def filtered(self, order: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """
        :param order: int [M], indices of sequences
        :param lengths: [N]
        :return: the shortest sequences of `order`, in their order: as many as are needed for their mean length to exceed
            `max_mean_len`, or all
        """
        if self.max_mean_len is None or not len(order):
            return order
        shortest_first = order[np.lexsort((order, lengths[order]))]
        sorted_lengths = lengths[shortest_first]
        low, high = 1, len(order) + 1
        while low < high:  # RETURNN's binary search, which may end at any of several equal means
            middle = (low + high) // 2
            mean = np.mean(sorted_lengths[:middle])
            if mean == self.max_mean_len:
                low = middle
                break
            low, high = (middle + 1, high) if mean < self.max_mean_len else (low, middle)
        return order[np.isin(order, shortest_first[:low])]


def read_epoch_filters(value: object) -> list[EpochFilter]:
    """
    :param value: (first epoch, last epoch) → options; None as first: 1, None or -1 as last: no last one; or a list
        of these pairs
    :return: filters in the order of their epochs, in which they are applied
    :raises DataError: for another form, an unknown option or a wrong value
    """
    items = list(value.items()) if isinstance(value, Mapping) else [] if value is None else value
    if not isinstance(items, list) or not all(isinstance(item, tuple | list) and len(item) == 2 for item in items):
        raise DataError(
            f"epoch_wise_filter: found {value!r:.60}, expected a dict such as {{(1, 5): {{'max_mean_len': 50}}}}"
        )
    filters = [_read(epochs, options) for epochs, options in items]
    return sorted(filters, key=lambda found: (found.first, found.last))


def _read(epochs: object, options: object) -> EpochFilter:
    first, last = epochs if isinstance(epochs, tuple | list) and len(epochs) == 2 else (0, 0)
    first, last = 1 if first is None else first, math.inf if last in (None, -1) else last
    if not is_integer(first, 1) or not (is_integer(last, 1) or last == math.inf) or first > last:
        raise DataError(f"epoch_wise_filter: found {epochs!r:.60}, expected (first epoch, last epoch)")
    if not isinstance(options, Mapping):
        raise DataError(f"epoch_wise_filter: {epochs}: found {options!r:.60}, expected a dict of options")
    for key in options:
        if key not in _OPTIONS:
            raise DataError(
                f"epoch_wise_filter: {epochs}: found {key!r}, expected {' or '.join(_OPTIONS)}{nearest(str(key), _OPTIONS)}"
            )
    length = options.get("max_mean_len")
    if length is not None and (not is_number(length) or length < 0):
        raise DataError(f"epoch_wise_filter: {epochs}: max_mean_len: found {length!r:.60}, expected a length in frames")
    return EpochFilter(first, last, float(length) if length else None)
