"""Some sequences of an HDF file, to be shown."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from boulder.data.hdf.hdf_dataset import HdfDataset
from boulder.errors import DataError, nearest


def excerpt(path: str | os.PathLike[str], keys: Sequence[str], most: int) -> dict[str, dict[str, np.ndarray]]:
    """
    :param keys: streams that the file must have
    :param most: largest number of sequences, at regular steps from the first one
    :return: tag → key → [T, …]
    :raises DataError: if a stream is missing, or the file cannot be read
    """
    with HdfDataset(files=[str(path)]) as dataset:
        for key in keys:
            if key not in dataset.streams:
                known = ", ".join(dataset.streams)
                raise DataError(f"{path}: found no stream {key!r}{nearest(key, dataset.streams)}, only {known}")
        chosen = at_regular_steps(dataset.num_seqs, most)
        return dict(zip(dataset.tags(chosen), dataset.read_many(chosen), strict=True))


def label_names(path: str | os.PathLike[str], key: str) -> list[str]:
    """:raises DataError: if the file does not name the labels of a stream"""
    with HdfDataset(files=[str(path)]) as dataset:
        names = dataset.label_names(key)
    if names is None:
        raise DataError(f"{path}: found no names of the labels of {key!r}, expected one for each")
    return names


def at_regular_steps(count: int, most: int) -> list[int]:
    """:return: at most `most` of the numbers below `count`"""
    return list(range(count))[:: max(1, count // most)][:most]
