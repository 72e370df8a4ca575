"""The label of an index in messages and tables."""

from __future__ import annotations

ORIGINAL = "original network"


def index_label(index: int | None) -> str:
    """:return: `index 3`, or `original network` for None"""
    return ORIGINAL if index is None else f"index {index}"


def short_index_label(index: int | None) -> str:
    """:return: `3`, or `original` for None; for narrow columns"""
    return "original" if index is None else str(index)
