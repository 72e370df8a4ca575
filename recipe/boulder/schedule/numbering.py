"""Numbers for objects of a config that differ in nothing else, such as two axes with the same name.

An object must get the same number whenever the config is read, and at each index for which an algo is called. So the
count starts with the config, and each call of one of its functions continues from the end of the config.
"""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterator

_counts: dict[Hashable, int] = {}


def next_number(description: Hashable) -> int:
    """:return: number of earlier objects with this description"""
    number = _counts.get(description, 0)
    _counts[description] = number + 1
    return number


@contextlib.contextmanager
def counting(counts: dict[Hashable, int]) -> Iterator[None]:
    """:param counts: description → count so far, updated in place"""
    global _counts
    before, _counts = _counts, counts
    try:
        yield
    finally:
        _counts = before


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """Restores the counts at the end of the context."""
    with counting(dict(_counts)):
        yield
