"""`absolute_path`: a file that a RETURNN config names."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def absolute_path(file: Any, folder: Path, as_path: Callable[[str], Any] = str) -> Any:
    """
    :param file: a path, relative to `folder` or absolute
    :param folder: that of the config
    :param as_path: makes a path object
    :return: the absolute path. Path objects of Sisyphus, which know the job that makes the file, and objects that are no paths
        stay as they are
    """
    if isinstance(file, str | os.PathLike) and not hasattr(file, "get_path"):
        return as_path(str(folder / file))
    return file
