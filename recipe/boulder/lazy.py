"""TensorFlow and h5py, imported at first use: planning and checking a network must not cost their seconds and gigabytes."""

import importlib
import sys
from types import ModuleType
from typing import Any, TypeAlias

from boulder.errors import BoulderError
from boulder.quick_import import imported

TFTensor: TypeAlias = Any
"""A value of TensorFlow's, for annotations: TensorFlow ships no types."""


class _LazyModule:
    def __init__(self, name: str, takes_seconds: bool = False):
        self._name, self._import = name, imported if takes_seconds else importlib.import_module

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


tf: Any = _LazyModule("tensorflow", takes_seconds=True)
keras: Any = _LazyModule("keras", takes_seconds=True)
h5py: Any = _LazyModule("h5py")
