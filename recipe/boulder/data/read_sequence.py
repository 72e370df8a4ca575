"""`ReadSequence`: a sequence that has been read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ReadSequence:
    """
    :param data: key → [T, D], or [T] for labels
    :param lengths: key → frames, of all streams that the data has, in RETURNN's order, even of those that are not read
    """

    tag: str
    data: dict[str, np.ndarray]
    lengths: dict[str, int]
