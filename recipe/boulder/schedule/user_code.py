"""Calls functions of a config: an exception of theirs becomes one line that names the place in their source."""

from collections.abc import Callable

from boulder.errors import ScheduleError
from boulder.schedule import numbering


def call_user(function: Callable, where: str, **arguments) -> object:
    """
    :param where: what is called for what, for the message
    :param arguments: by keyword, as RETURNN passes them
    :raises ScheduleError: for whatever it raises
    """
    try:
        with numbering.undone():
            return function(**arguments)
    except Exception as error:  # the user's code may raise anything
        text = " ".join(str(error).split())
        place = _line_of(error, function, arguments)
        raise ScheduleError(f"{where}: {type(error).__name__}: {text} ({place})") from error


def short(value: object) -> str:
    """:return: a value and its type, for a message of one line"""
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 60 else text[:57] + '…'} ({type(value).__name__})"


def _line_of(error: Exception, function: Callable, arguments: dict) -> str:
    """`file:line` of the last line that ran in the function's own file."""
    frames, position = [], error.__traceback__.tb_next  # without the line here that called it
    while position is not None:
        frames.append((position.tb_frame.f_code.co_filename, position.tb_lineno))
        position = position.tb_next
    if not frames:  # never got that far: it does not take these arguments
        called = "called with " + " and ".join(f"{name}=" for name in arguments)
        code = getattr(function, "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}, {called}" if code else called
    file, line = [frame for frame in frames if frame[0] == frames[0][0]][-1]
    return f"{file}:{line}"
