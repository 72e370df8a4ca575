"""Mean and standard deviation of the features of a data set."""

from __future__ import annotations

import numpy as np

from boulder.data.dataset import Dataset
from boulder.errors import DataError

_TOGETHER = 64  # sequences read at once


def feature_statistics(dataset: Dataset, key: str = "data") -> tuple[np.ndarray, np.ndarray]:
    """
    :param key: stream of dense features, [T, D] per sequence
    :return: mean and standard deviation over all frames, float64 [D] each
    :raises DataError: if there is no such stream, no frame, or a feature that is constant or not finite
    """
    if key not in dataset.streams or dataset.streams[key].sparse:
        dense = [name for name, stream in dataset.streams.items() if not stream.sparse]
        raise DataError(f"statistics: found no dense stream {key!r}, expected one of {', '.join(dense) or 'none'}")
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    for start in range(0, dataset.num_seqs, _TOGETHER):
        indices = range(start, min(start + _TOGETHER, dataset.num_seqs))
        frames = np.concatenate([sequence[key] for sequence in dataset.read_many(indices)]).astype("float64")
        if not len(frames):
            continue
        # Chan et al. 1983: the sums of squares of two parts, each about its own mean
        both, shift = count + len(frames), frames.mean(axis=0) - mean
        squares = squares + frames.var(axis=0) * len(frames) + shift**2 * count * len(frames) / both
        mean = mean + shift * len(frames) / both
        count = both
    if not count:
        raise DataError(f"statistics: found no frame of {key!r}")
    deviation = np.sqrt(squares / count)
    for feature in np.flatnonzero(~(np.isfinite(deviation) & (deviation > 0))):
        raise DataError(
            f"statistics: feature {feature} of {key!r} has standard deviation {deviation[feature]}, expected a positive number"
        )
    return mean, deviation
