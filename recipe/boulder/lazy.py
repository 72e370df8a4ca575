"""TensorFlow, imported at first use: planning and checking a network must not cost its seconds and gigabytes."""

import importlib


class _LazyModule:
    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, attribute: str):
        return getattr(importlib.import_module(self._name), attribute)


tf = _LazyModule("tensorflow")
keras = _LazyModule("keras")
