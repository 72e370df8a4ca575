"""Exceptions while data is read that are no errors of Boulder's: bugs of functions of a config, or of a data set class.

They become one line: the data set, the sequence, the option with the function, the exception, and its place in the source.
"""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import boulder
from boulder.errors import BoulderError, DataError, named

Item = TypeVar("Item")
_INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
_OWN = str(Path(boulder.__file__).parent)


@contextmanager
def read_errors(where: str = "") -> Iterator[None]:
    """
    Context of code that reads data, or of a function of the user.

    :param where: the option, or another place
    :raises DataError: in place of an exception that is no BoulderError
    """
    try:
        yield
    except BoulderError:
        raise
    except Exception as error:  # user code may raise anything
        raise DataError(f"{where}{': ' if where else ''}{in_one_line(error)}") from error


@contextmanager
def errors_of_sequences(
    dataset: Any, indices: Sequence[int] | np.ndarray, read: Callable[[Sequence[int]], object]
) -> Iterator[None]:
    """
    Context in which sequences are read by their indices.

    :param dataset: a `Dataset`
    :param read: reads some of them, to find the one that cannot be read
    :raises DataError: in place of an exception that is no BoulderError; names the sequence
    """
    try:
        yield
    except BoulderError:
        raise
    except Exception as error:
        kind = type(dataset).__name__
        for index in map(int, indices):
            with read_errors(f"{kind}: sequence {_tag(dataset, index)}"):
                read([index])
        raise DataError(f"{kind}: {in_one_line(error)}") from error  # each alone can be read


def told_of(where: str, items: Iterable[Item]) -> Iterator[Item]:
    """
    :param where: such as "train data"
    :return: the same items
    :raises BoulderError: if the next one cannot be read; names the place
    """
    iterator, end = iter(items), object()
    while True:
        with named(where), read_errors():
            item = next(iterator, end)
        if item is end:
            return
        yield item  # type: ignore[misc]  # `end` is no item


def _tag(dataset: Any, index: int) -> str:
    try:
        return repr(dataset.tag(index))
    except Exception:  # its tags may be at fault
        return f"number {index}"


def in_one_line(error: Exception) -> str:
    """:return: the exception, and the user's line that raised it; where there is none, the last line that ran"""
    text = " ".join(str(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    users = [frame for frame in frames if not frame.filename.startswith((*_INSTALLED, _OWN, "<"))]
    last = (users or frames)[-1]
    found = f"{type(error).__name__}: {text}" if text else f"{type(error).__name__}: {last.line}"
    return f"{found} ({last.filename}:{last.lineno})"
