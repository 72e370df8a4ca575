"""The states of the files of a data set, by which a change is noticed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from boulder.data import canonical_description, paths_in
from boulder.data.dataset import dataset_classes

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

    canonical = canonical_description(description, as_path=as_path)
    objects = (item.get_path() for item in paths_in(canonical))
    return {path: _state(path) for path in (*found, *objects, *_further(canonical))}


def _further(description: Any) -> Iterator[str]:
    """:return: files of data sets that no option names, those of data sets within them as well"""
    if isinstance(description, Mapping):
        cls = dataset_classes().get(str(description.get("class")))
        if cls is not None:
            yield from cls.further_files(description)
    if isinstance(description, Mapping | list):
        for item in description.values() if isinstance(description, Mapping) else description:
            yield from _further(item)


def _state(path: str) -> FileState | None:
    """:return: of a folder: the sum of its files' sizes, and the time of the last change of any of them"""
    try:
        found = os.stat(path)
        if not stat.S_ISDIR(found.st_mode):
            return found.st_size, found.st_mtime_ns
        inside = [found, *(file.stat() for file in Path(path).rglob("*"))]
        return sum(file.st_size for file in inside), max(file.st_mtime_ns for file in inside)
    except OSError:
        return None
