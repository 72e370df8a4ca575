"""Files of data that do not exist: a command that only plans goes on without them, and tells."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from boulder.data import paths_in

_goes_on: list[bool] = []


@contextlib.contextmanager
def planning_without_data() -> Iterator[None]:
    """A context in which pipelines are laid out although files of their data are missing."""
    _goes_on.append(True)
    try:
        yield
    finally:
        _goes_on.pop()


def may_lack(description: dict[str, Any]) -> bool:
    """:return: whether a file of the data set is missing that no job makes, and the command goes on without it"""
    return bool(_goes_on) and any(
        getattr(path, "creator", None) is None and not os.path.exists(path.get_path()) for path in paths_in(description)
    )
