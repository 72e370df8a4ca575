"""Imports TensorFlow in about half its time, and without the lines that it writes on stderr at each import."""

import contextlib
import gc
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_OPTIONAL_IN_KERAS = ("matplotlib", "pandas", "sklearn")
"""Keras imports them where they are installed, which lengthens the import, for functions that no training calls."""

_NOISE = (b"before absl::InitializeLog() is called", b"oneDNN custom operations are on")


def imported(name: str) -> ModuleType:
    """:return: the module `name`; what it imports later, it finds as always"""
    with _without_noise(), _without(_OPTIONAL_IN_KERAS), _without_collection():
        return importlib.import_module(name)


@contextlib.contextmanager
def _without_noise() -> Iterator[None]:
    """Drops the lines of `_NOISE`, which no log level of TensorFlow's prevents, from stderr."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            written.seek(0)
            for line in written:
                if not any(noise in line for noise in _NOISE):
                    os.write(stderr, line)
            os.close(stderr)


@contextlib.contextmanager
def _without(packages: tuple[str, ...]) -> Iterator[None]:
    """Lets packages that are not imported yet seem not installed."""
    hidden = [package for package in packages if package not in sys.modules]
    modules: Any = sys.modules
    for package in hidden:
        modules[package] = None  # importing it raises ModuleNotFoundError
    try:
        yield
    finally:
        for package in hidden:
            if sys.modules.get(package, True) is None:
                del sys.modules[package]


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """
    Stops the garbage collector, which visits all new objects again and again. They stay until the process ends, so that later
    collections need not visit them either.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_enabled:
            gc.enable()
