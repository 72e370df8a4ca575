"""Calls functions of a config and turns their exceptions into one line with the place in their source."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from boulder.awaited import advice_about, not_yet_known
from boulder.errors import ScheduleError
from boulder.schedule import numbering


def call_user(function: Callable, where: str, **arguments: Any) -> Any:
    """
    :param where: context for error messages
    :param arguments: passed by keyword, as in RETURNN
    :raises ScheduleError: for any exception of the function
    """
    try:
        with numbering.undone():
            return function(**arguments)
    except Exception as error:  # user code may raise anything
        if waits := not_yet_known(error):
            raise waits from error
        text = " ".join(str(error).split()) + advice_about(error)
        place = _line_of(error, function, arguments)
        raise ScheduleError(f"{where}: {type(error).__name__}: {text} ({place})") from error


def short(value: object) -> str:
    """:return: a value and its type on one line, for messages"""
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 60 else text[:57] + '…'} ({type(value).__name__})"


def _line_of(error: Exception, function: Callable, arguments: dict) -> str:
    """:return: `file:line` of the last line that ran in the function's own file"""
    assert error.__traceback__ is not None  # it was raised
    frames: list[tuple[str, int]] = []
    position: types.TracebackType | None = error.__traceback__.tb_next  # skips the call in this file
    while position is not None:
        frames.append((position.tb_frame.f_code.co_filename, position.tb_lineno))
        position = position.tb_next
    if not frames:  # the function did not start: its signature does not match
        called = "called with " + " and ".join(f"{name}=" for name in arguments)
        code = getattr(function, "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}, {called}" if code else called
    file, line = [frame for frame in frames if frame[0] == frames[0][0]][-1]
    return f"{file}:{line}"
