"""Derivatives of features in time."""

from __future__ import annotations

import math

import numpy as np

from boulder.counted import counted
from boulder.errors import DataError

_WIDTH = 9  # frames; the default of librosa


def with_deltas(features: np.ndarray, orders: int) -> np.ndarray:
    """
    The k-th derivative of the polynomial of degree k that fits the 9 frames around each frame best (Savitzky and Golay 1964).
    The first and last 4 frames have the value of their nearest neighbour.

    :param features: float32 [T, D]
    :return: float32 [T, (1 + orders) * D], with the derivatives of order 1 to `orders` behind the features
    :raises DataError: if there are fewer than 9 frames
    """
    if not orders:
        return features
    if len(features) < _WIDTH:
        raise DataError(f"with_delta: found {counted(len(features), 'frame')}, expected at least {_WIDTH}")
    around = np.lib.stride_tricks.sliding_window_view(features, _WIDTH, axis=0)
    parts = [features]
    for order in range(1, orders + 1):
        positions = np.arange(_WIDTH) - _WIDTH // 2
        fit = np.linalg.pinv(np.vander(positions, order + 1, increasing=True))
        parts.append(np.pad(around @ (math.factorial(order) * fit[order]), [(_WIDTH // 2,) * 2, (0, 0)], mode="edge"))
    return np.concatenate(parts, axis=1, dtype="float32")
