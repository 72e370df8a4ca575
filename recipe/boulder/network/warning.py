"""Warnings about options of a network that have no effect."""

from __future__ import annotations

import warnings

_count = 0


def warn(text: str) -> None:
    global _count
    _count += 1
    warnings.warn(text, stacklevel=3)


def warnings_so_far() -> int:
    """:return: number of warnings in this process, shown or not"""
    return _count
