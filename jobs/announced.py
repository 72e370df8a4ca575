"""The pipelines that this process has laid out, by their names. Two pipelines of one name would share their aliases."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import sisyphus
from boulder.errors import ConfigError
from jobs import ROOT
from jobs.laid_out import Pipeline
from jobs.workdir.stale import ask_for_reruns
from jobs.workdir.work_lock import is_sis_manager

_laid_out: dict[str, Pipeline] = {}
_places: dict[str, str] = {}
_names_are_unique: list[bool] = []
_NOT_THE_USERS = (
    *(f"{ROOT / folder}/" for folder in ("jobs", "recipe", "embedded")),
    f"{Path(sisyphus.__file__).parent}/",
    f"{sys.prefix}/",
    f"{sys.base_prefix}/",
    "<",
)
"""Beginnings of the names of files that are not the user's."""


def laid_out_pipelines() -> dict[str, Pipeline]:
    """:return: name → pipeline, of all pipelines that this process has laid out"""
    return _laid_out


@contextlib.contextmanager
def unique_names() -> Iterator[None]:
    """
    A context in which configs are run for a command. No pipeline is known when it begins, and within it `announced` refuses a
    second pipeline of a name. Outside of it, in a test or an interactive session, the last one counts.
    """
    _laid_out.clear()
    _places.clear()
    _names_are_unique.append(True)
    try:
        yield
    finally:
        _names_are_unique.pop()


def announced(name: str, pipeline: Pipeline) -> Pipeline:
    """
    :return: `pipeline`, after entering it into `laid_out_pipelines` under this name
    :raises ConfigError: if the config has laid out another pipeline of this name
    """
    known, place = _laid_out.get(name), _place_in_config()
    if (_names_are_unique or is_sis_manager()) and known and not _is_same(known, pipeline):
        raise ConfigError(
            f"two pipelines are called {name!r}: one is laid out in {_places[name]}, another in {place}; they differ in "
            f"{_difference(known, pipeline)}. Give each a name of its own, for example by adding what differs"
        )
    ask_for_reruns(pipeline.jobs)
    _laid_out[name] = pipeline
    _places.setdefault(name, place)
    return pipeline


def _is_same(one: Pipeline, other: Pipeline) -> bool:
    """Whether both have the same jobs, as far as both are decided."""
    shorter, longer = sorted([one, other], key=lambda pipeline: len(pipeline.jobs))
    as_long = len(shorter.jobs) == len(longer.jobs) or shorter.needs is not None
    return as_long and all(mine is its for mine, its in zip(shorter.jobs, longer.jobs, strict=False))


def _place_in_config() -> str:
    """:return: the user's lines that are being run, e.g. `config/mine.py:20, config/base.py:7`, where the latter calls us"""
    lines: list[str] = []
    frame: FrameType | None = sys._getframe()
    while frame:
        file = os.path.abspath(frame.f_code.co_filename) if frame.f_code.co_filename[:1] != "<" else "<"
        if not file.startswith(_NOT_THE_USERS):
            lines.append(f"{os.path.relpath(file)}:{frame.f_lineno}")
        frame = frame.f_back
    return ", ".join(reversed(lines[:3])) or "the console"


def _difference(one: Pipeline, other: Pipeline) -> str:
    """:return: the first difference of what the jobs train, e.g. `epochs 1–2: config: batch_size (200 and 300)`"""
    for mine, its in zip(_phases(one), _phases(other), strict=False):
        if found := _first_difference(mine, its):
            first, last = mine["first_epoch"], mine["last_epoch"]
            return f"epoch {first}: {found}" if first == last else f"epochs {first}–{last}: {found}"
    return "the number of epochs"


def _phases(pipeline: Pipeline) -> list[dict[str, Any]]:
    return [phase for job in pipeline.jobs for phase in job.phases]


def _first_difference(one: Any, other: Any) -> str:
    """:return: "" if there is none"""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            if key not in one or key not in other:
                return f"{key} (one has none)"
            if found := _first_difference(one[key], other[key]):
                return f"{key}{'' if found.startswith(' (') else ': '}{found}"
        return ""
    return "" if one == other else f" ({one!r:.60} and {other!r:.60})"
