"""Numbers for objects that a config makes and that are told apart by nothing else, such as two axes of one name.

A number must be the same whenever the config is read, and for an algo, at whichever index it is called. So the count
begins with the config, and each call of one of its functions goes on from where the config itself ended.
"""

import contextlib
from collections.abc import Hashable, Iterator

_counts: dict[Hashable, int] = {}


def next_number(description: Hashable) -> int:
    """:return: how many objects of this description there were before"""
    number = _counts.get(description, 0)
    _counts[description] = number + 1
    return number


@contextlib.contextmanager
def counting(counts: dict[Hashable, int]) -> Iterator[None]:
    """:param counts: what was counted so far; kept up to date"""
    global _counts
    before, _counts = _counts, counts
    try:
        yield
    finally:
        _counts = before


@contextlib.contextmanager
def undone() -> Iterator[None]:
    """What is counted inside is forgotten."""
    with counting(dict(_counts)):
        yield
