"""Sounds that tests make."""

import numpy as np


def sweep() -> np.ndarray:
    """:return: a rising tone with two overtones and a pause"""
    time = np.arange(8000) / 8000
    tone = sum(np.sin(2 * np.pi * overtone * (200 * time + 150 * time**2)) / overtone for overtone in (1, 2, 3))
    return 0.2 * tone * (np.abs(time - 0.5) > 0.1)
