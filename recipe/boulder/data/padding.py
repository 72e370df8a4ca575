"""The padded array of a stream in a batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from boulder.data.streams import Stream
from boulder.data.tensor_memory import aligned_zeros
from boulder.errors import DataError


class Padded(NamedTuple):
    """
    :param data: [B, T, D], or [B, T] for labels, padded with zeros to the longest sequence; without T for streams without a
        time axis
    :param lengths: int32 [B]; ones without a time axis
    """

    data: np.ndarray
    lengths: np.ndarray


def padded(stream: Stream, arrays: Sequence[np.ndarray], tag: Callable[[int], str]) -> Padded:
    """
    :param arrays: of each sequence: [T, D], or [T] for labels
    :param tag: number of a sequence in the batch → its name, for messages
    :raises DataError: if a sequence of a stream without a time axis has more than one frame
    """
    if not stream.has_time_axis:
        return Padded(_without_time(stream, arrays, tag), np.ones(len(arrays), "int32"))
    lengths = np.array([len(array) for array in arrays], "int32")
    data = zeros(stream, lengths)
    for row, array in zip(data, arrays, strict=True):
        row[: len(array)] = array
    return Padded(data, lengths)


def zeros(stream: Stream, lengths: np.ndarray) -> np.ndarray:
    """:return: [B, T, …] for sequences of a stream with a time axis"""
    shape: tuple[Any, ...] = stream.feature_shape  # an open data set knows its dimensions
    return aligned_zeros((len(lengths), int(lengths.max(initial=0)), *shape), stream.dtype)


def _without_time(stream: Stream, arrays: Sequence[np.ndarray], tag: Callable[[int], str]) -> np.ndarray:
    """:return: [B, D] or [B]; a data set has such a value as an array [D], or as a single frame"""
    shape: tuple[Any, ...] = stream.feature_shape  # an open data set knows its dimensions
    values = np.zeros((len(arrays), *shape), stream.dtype)
    for number, array in enumerate(arrays):
        if array.size != values[number].size:
            raise DataError(
                f"sequence {tag(number)!r}, {stream.key!r}: found an array of shape {list(array.shape)}, "
                f"expected {stream}, without a time axis"
            )
        values[number] = array.reshape(shape)
    return values
