"""TensorFlow, imported at first use: planning and checking a network must not cost its seconds and gigabytes."""

import importlib
from typing import Any, TypeAlias

TFTensor: TypeAlias = Any
"""A value of TensorFlow's, for annotations: TensorFlow ships no types."""


class _LazyModule:
    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)


tf: Any = _LazyModule("tensorflow")
keras: Any = _LazyModule("keras")
