"""The states of the files of a data set, by which a change is noticed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from boulder.data import canonical_description, paths_in

FileState = tuple[int, int]
"""Size in bytes, and time of the last change in nanoseconds."""


def file_states(description: Mapping[str, Any]) -> dict[str, FileState | None]:
    """
    :param description: of a data set
    :return: path → state of each of its files; None for one that is missing
    """
    found: list[str] = []

    def as_path(path: str) -> str:
        found.append(path)
        return path

    objects = paths_in(canonical_description(description, as_path=as_path))
    return {path: _state(path) for path in [*found, *(item.get_path() for item in objects)]}


def _state(path: str) -> FileState | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
