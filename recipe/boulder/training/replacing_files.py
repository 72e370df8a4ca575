"""Other files in place of those that the data sets of a phase name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from boulder.training.phase import TrainingPhase


def with_data_files(phase: TrainingPhase, replaced: Callable[[str], Any]) -> TrainingPhase:
    """:return: the phase, whose data sets read other files, see `with_files`"""
    return replace(
        phase, **{key: with_files(getattr(phase, key), replaced) for key in ("train", "dev", "eval_datasets")}
    )


def with_files(description: Any, replaced: Callable[[str], Any]) -> Any:
    """
    :param description: of a data set
    :param replaced: name of a file → what takes its place; None: it stays
    :return: the description, with other files. Path objects that know the job which makes the file stay as they are
    """
    if isinstance(description, Mapping):
        return {key: with_files(value, replaced) for key, value in description.items()}
    if isinstance(description, list):
        return [with_files(value, replaced) for value in description]
    text = getattr(description, "path", None) if hasattr(description, "get_path") else description
    if not isinstance(text, str) or not text or getattr(description, "creator", None) is not None:
        return description
    if text is description and not {".", "/"} & {*text}:  # perhaps the name of a stream
        return description
    other = replaced(os.path.normpath(text))
    return description if other is None else other
