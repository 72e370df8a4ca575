"""Errors of the input. A message is one line: the place, the value found, the values expected, and the nearest right name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rapidfuzz import fuzz


class BoulderError(Exception):
    """An error in the input. Its message is for the user; the command line prints no traceback for it."""


class ConfigError(BoulderError):
    """An unknown or wrong option of a config, or override in `#config`."""


class ConfigProblems(ConfigError):
    """Everything that is wrong with a config: one line if there is one problem, otherwise a heading and a line for each."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        """
        :param problems: none: the message is the only one
        """
        super().__init__(message)
        self.problems = tuple(problems) or (message,)

    @classmethod
    def of(cls, where: str, problems: Sequence[str]) -> ConfigProblems:
        """
        :param where: the file; "" if the problems name the place
        :param problems: at least one
        """
        lines = [f"{len(problems)} problems:", *(f"  {problem}" for problem in problems)]
        text = problems[0] if len(problems) == 1 else "\n".join(lines)
        return cls(f"{where}: {text}" if where else text, problems)


class NotYetKnown(ConfigError):
    """
    A value is needed that a job has yet to make.

    :ivar values: what to wait for, objects of Sisyphus
    """

    def __init__(self, message: str, values: Sequence[object] = ()) -> None:
        super().__init__(message)
        self.values = tuple(values)


class ScheduleError(BoulderError):
    """A construction algo, or its `repetitions`, that does not define a plan."""


class NetworkError(BoulderError):
    """A wrong net dict: an unknown class, option or source, a cycle, or dimensions that do not match."""


class DataError(BoulderError):
    """A data set with a wrong description, a missing or broken file, or another dimension than in `extern_data`."""


class CheckpointError(BoulderError):
    """A missing or broken checkpoint, or one of another format."""


class TrainingError(BoulderError):
    """Training cannot continue, e.g. because the loss is not finite."""


@contextmanager
def named(where: str) -> Iterator[None]:
    """Context in which the messages of errors begin with the place: `WHERE: message`."""
    try:
        yield
    except NotYetKnown as error:
        raise NotYetKnown(f"{where}: {error}", error.values) from error
    except BoulderError as error:
        raise type(error)(f"{where}: {error}") from error


def nearest(name: str, known: Iterable[str], label: str = "did you mean") -> str:
    """
    :param name: the name in the input
    :param known: the right names
    :return: `; did you mean 'x'?` with the closest of `known`, or "" if none is close: the end of a message
    """
    found = max(sorted(map(str, known)), key=lambda right: _similarity(str(name), right), default=None)
    close = found is not None and _similarity(str(name), found) >= _CLOSE
    return f"; {label} {found!r}?" if close else ""


_CLOSE = 66  # of 100: two of three letters are the same, in the same order
_WORD = 4  # letters


def _similarity(name: str, right: str) -> float:
    """:return: from 0 to 100; a name that is part of the other is close to it"""
    short, long = sorted((name.lower(), right.lower()), key=len)
    is_part = short in (long if len(short) >= _WORD else re.split("[/:]", long))
    return max(fuzz.ratio(short, long), _CLOSE if is_part else 0)
