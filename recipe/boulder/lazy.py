"""TensorFlow, imported at first use: planning and checking a network must not cost its seconds and gigabytes."""

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
    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(sys.modules.get(self._name) or _imported(self._name), attribute)


_NOISE = (b"before absl::InitializeLog() is called", b"oneDNN custom operations are on")


def _imported(name: str) -> ModuleType:
    """
    Imports a module without the lines on stderr that TensorFlow writes at each import, whatever its log level.

    :raises BoulderError: if it is not installed
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            raise BoulderError(
                f"{sys.executable} lacks the package {name!r}; `make venv` in Boulder's folder installs it"
            ) from error
        finally:
            os.dup2(stderr, 2)
            written.seek(0)
            for line in written:
                if not any(noise in line for noise in _NOISE):
                    os.write(stderr, line)
            os.close(stderr)


tf: Any = _LazyModule("tensorflow")
keras: Any = _LazyModule("keras")
