"""Output to a terminal, file or pipe that lacks some characters, is full, or is closed early."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys

_ALIKE = str.maketrans("→–−×─│━•≥≤", ">--x-|=*><")  # one for one, so that tables stay aligned
_HANDLER = "boulder.alike"


def show_what_is_alike() -> None:
    """Makes stdout and stderr take any text in a locale that is not UTF-8: `>` for →, `?` where there is nothing alike."""
    codecs.register_error(_HANDLER, _alike)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
            stream.reconfigure(errors=_HANDLER)


def flush_stdout() -> None:
    """
    :raises OSError: if the rest of the output cannot be written. It is dropped, so that Python does not try again.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            raise


def _alike(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(_ALIKE)
    return text.encode("ascii", "replace").decode(), error.end
