"""Epochs that a pipeline goes on for after its end: those of the config, and those that `boulder extend` has added."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from itertools import accumulate

from boulder.errors import ConfigError
from sisyphus import gs

_FILE = "further_epochs.json"
"""In the work directory, where the jobs are that it belongs to: pipeline → epochs of each job that was added."""
_being_added: dict[str | None, int] = {}


def further_epochs(name: str, of_config: Sequence[int]) -> list[int]:
    """
    :param name: of the pipeline
    :param of_config: what the config says
    :return: epochs of each further job, in order
    :raises ConfigError: for what are no numbers of epochs, and for a config that contradicts what was added to it
    """
    said = list(of_config)
    for number in said:
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ConfigError(f"pipeline {name!r}: further_epochs: found {number!r}, expected numbers of at least 1")
    added = _read().get(name, [])
    shorter, longer = sorted([said, added], key=len)
    if longer[: len(shorter)] != shorter:
        raise ConfigError(
            f"pipeline {name!r}: further_epochs is {said}, but by `boulder extend` it was {added}: let it begin with these, or "
            f"take {name!r} out of {_path()}"
        )
    return longer + [_being_added[of] for of in (name, None) if of in _being_added]


def ends_before(num_epochs: int, further: Sequence[int]) -> list[int]:
    """:return: the epochs after which a further job begins: `num_epochs`, and the end of each further job but the last"""
    return list(accumulate([num_epochs, *further]))[:-1]


@contextlib.contextmanager
def adding(pipeline: str | None, epochs: int) -> Iterator[None]:
    """
    Configs that are laid out inside have so many epochs more, by one job more.

    :param pipeline: only that one; None: whichever there is
    """
    _being_added[pipeline] = epochs
    try:
        yield
    finally:
        _being_added.clear()


def record(name: str, further: list[int]) -> None:
    """:param further: what the pipeline has from now on"""
    text = json.dumps(_read() | {name: further}, indent=1)
    with open(f"{_path()}.new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{_path()}.new", _path())


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
            f"{_path()}: {error}; mend it, or take it away to train without the epochs it adds"
        ) from error
