"""The label of an index in messages and tables, and the name of its phase."""

from __future__ import annotations

ORIGINAL = "original network"


def index_label(index: int | None) -> str:
    """:return: `index 3`, or `original network` for None"""
    return ORIGINAL if index is None else f"index {index}"


def phase_name(index: int | None) -> str:
    """:return: name of the (first) phase of an index in aliases, tables and `--phase`: `03`, or `final` for None"""
    return "final" if index is None else f"{index:02d}"


def short_index_label(index: int | None) -> str:
    """:return: `3`, or `original` for None: for a column with the heading "index" and for names above a curve"""
    return "original" if index is None else str(index)
