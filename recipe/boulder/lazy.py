"""TensorFlow and h5py, imported at first use: planning and checking a network must not cost their seconds and gigabytes."""

import importlib
import os
import sys
import tempfile
from types import ModuleType
from typing import Any, TypeAlias

from boulder.errors import BoulderError

TFTensor: TypeAlias = Any
"""A value of TensorFlow's, for annotations: TensorFlow ships no types."""


class _LazyModule:
    def __init__(self, name: str, is_noisy: bool = False):
        self._name, self._import = name, _imported if is_noisy else importlib.import_module

    def __getattr__(self, attribute: str) -> Any:
        return getattr(sys.modules.get(self._name) or self._first_import(), attribute)

    def _first_import(self) -> ModuleType:
        """:raises BoulderError: if the package is not installed"""
        try:
            return self._import(self._name)
        except ModuleNotFoundError as error:
            if error.name != self._name:
                raise
            raise BoulderError(
                f"{sys.executable} lacks the package {self._name!r}; `make venv` in Boulder's folder installs it"
            ) from error


_NOISE = (b"before absl::InitializeLog() is called", b"oneDNN custom operations are on")


def _imported(name: str) -> ModuleType:
    """Imports a module without the lines on stderr that TensorFlow writes at each import, whatever its log level."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            return importlib.import_module(name)
        finally:
            os.dup2(stderr, 2)
            written.seek(0)
            for line in written:
                if not any(noise in line for noise in _NOISE):
                    os.write(stderr, line)
            os.close(stderr)


tf: Any = _LazyModule("tensorflow", is_noisy=True)
keras: Any = _LazyModule("keras", is_noisy=True)
h5py: Any = _LazyModule("h5py")
