"""The order "interleave" of `CombinedDataset`: from which data set each next sequence comes."""

from __future__ import annotations

import numpy as np


def interleaved(sizes: list[int]) -> np.ndarray:
    """
    The next sequence is that of the data set whose part read, with it, is smallest; of several, the first one.

    :param sizes: number of sequences of each data set
    :return: int64 [sum of sizes]: indices of the sequences, one data set after the other, in the order of reading
    """
    read = np.concatenate([np.arange(1, size + 1) / size for size in sizes])
    return np.argsort(read, kind="stable")


def interleaved_at_random(sizes: list[int], scale: float | str, numbers: np.random.RandomState) -> np.ndarray:
    """
    The data set of the next sequence is drawn from the softmax of log(sequences left) / scale, by Gumbel noise.

    :param scale: above 0; or "remaining": 1 minus the largest part read, with the next sequence
    :param numbers: RETURNN's, of the epoch
    :return: see `interleaved`
    """
    totals, starts = np.array(sizes), np.cumsum([0, *sizes[:-1]])
    used = np.zeros(len(sizes), "int64")
    order = np.empty(totals.sum(), "int64")
    for position in range(len(order)):
        left = np.flatnonzero(used < totals)
        read = (used[left] + 1) / totals[left]
        by = 1.0 - read.max() if scale == "remaining" else float(scale)
        logits = np.log(np.maximum(totals[left] - used[left], 1.0))
        chosen = left[np.argmax(logits + by * numbers.gumbel(size=len(left)))]
        order[position] = starts[chosen] + used[chosen]
        used[chosen] += 1
    return order
