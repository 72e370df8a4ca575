"""Epochs by which a pipeline continues after its end: those of the config, and those that `boulder extend` has added."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from itertools import accumulate

from boulder import strict_json
from boulder.atomic_file import write_text
from boulder.errors import ConfigError
from sisyphus import gs

_FILE = "further_epochs.json"
"""In the work directory, beside the jobs: pipeline → number of epochs of each added job."""
_being_added: dict[str | None, int] = {}


def further_epochs(name: str, of_config: Sequence[int]) -> list[int]:
    """
    :param name: of the pipeline
    :param of_config: `further_epochs` of the config
    :return: number of epochs of each further job, in order
    :raises ConfigError: for a wrong number, and if the config contradicts the epochs that were added
    """
    said = list(of_config)
    for number in said:
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ConfigError(f"pipeline {name!r}: further_epochs: found {number!r}, expected numbers of at least 1")
    added = _read().get(name, [])
    shorter, longer = sorted([said, added], key=len)
    if longer[: len(shorter)] != shorter:
        raise ConfigError(
            f"pipeline {name!r}: further_epochs is {said}, but `boulder extend` made it {added}: begin with these, or remove "
            f"{name!r} from {_path()}"
        )
    return longer + [_being_added[of] for of in (name, None) if of in _being_added]


def ends_before(num_epochs: int, further: Sequence[int]) -> list[int]:
    """:return: the epochs before each further job: `num_epochs`, and the last epoch of each further job but the last"""
    return list(accumulate([num_epochs, *further]))[:-1]


@contextlib.contextmanager
def adding(pipeline: str | None, epochs: int) -> Iterator[None]:
    """
    Adds a further job to the pipelines that are laid out within the context.

    :param pipeline: adds it to this pipeline only; None: to all
    :param epochs: number of epochs of the job
    """
    _being_added[pipeline] = epochs
    try:
        yield
    finally:
        _being_added.clear()


def record(name: str, further: Sequence[int]) -> None:
    """Stores `further` as the further epochs of a pipeline."""
    write_text(_path(), strict_json.dumps(_read() | {name: further}, indent=1))


def _path() -> str:
    return os.path.join(gs.WORK_DIR, _FILE)


def _read() -> dict[str, list[int]]:
    try:
        with open(_path(), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ConfigError(
            f"{_path()}: {error}; repair it, or delete it to train without the epochs that it adds"
        ) from error
