"""Writes the sequences of any data set to HDF files."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from boulder.data.dataset import Dataset
from boulder.data.hdf.hdf_writer import HdfWriter
from boulder.data.streams import Stream, read_extern_data
from boulder.errors import DataError

_AT_ONCE = 64  # sequences in memory, besides those that the writer has not yet written


def copy_to_hdf(
    dataset: Dataset, paths: Sequence[str | os.PathLike[str]], extern_data: Mapping[str, Any] | None = None
) -> int:
    """
    Writes all streams of the selected sequences, in the order of the data set, one part to each file; names of classes, too.
    Parts are of equal size. Where sequences can only be read one after the other, file i of n has every n-th of them. A file
    that exists is complete, and is not written again.

    :param paths: of the files
    :param extern_data: gives numbers of classes that the data set does not know
    :return: number of sequences
    :raises DataError: if the data set cannot be read, or a number of classes is not known
    """
    streams = {key: _known(stream, dataset, extern_data or {}) for key, stream in dataset.streams.items()}
    labels = {key: names for key, stream in streams.items() if stream.sparse and (names := dataset.label_names(key))}
    labels = {key: names for key, names in labels.items() if len(names) == streams[key].dim}
    total = 0
    for number, path in enumerate(paths):
        if os.path.exists(path):
            continue
        with HdfWriter(path, streams, labels) as writer:
            for tag, data in _sequences(dataset, number, len(paths)):
                writer.write(tag, {key: _with_time(streams[key], data[key]) for key in streams})
                total += 1
    return total


def _sequences(dataset: Dataset, part: int, parts: int) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    if dataset.streamed:
        for sequence in itertools.islice(dataset.sequences(1, 0, "default"), part, None, parts):
            yield sequence.tag, sequence.data
        return
    indices = np.array_split(np.sort(dataset.epoch_order(1, 0, default="default")), parts)[part]
    for start in range(0, len(indices), _AT_ONCE):
        some = indices[start : start + _AT_ONCE]
        yield from zip(dataset.tags(some), dataset.read_many(some), strict=True)


def _known(stream: Stream, dataset: Dataset, extern_data: Mapping[str, Any]) -> Stream:
    """:return: the stream as a file has it: with a time axis, and with its number of classes"""
    dim = stream.dim
    if stream.sparse and dim is None:
        if stream.key in extern_data:
            dim = read_extern_data({stream.key: extern_data[stream.key]})[stream.key].dim
        if dim is None and (names := dataset.label_names(stream.key)):
            dim = len(names)
        if dim is None:
            raise DataError(
                f"{stream.key!r}: the data set does not know the number of classes, expected it in extern_data"
            )
    return replace(stream, dim=dim, has_time_axis=True)


def _with_time(stream: Stream, array: np.ndarray) -> np.ndarray:
    """:return: [T, D] or [T]; a vector, number or label of a sequence without time is a single frame"""
    return array if array.ndim == 1 + len(stream.feature_shape) else array[None]
