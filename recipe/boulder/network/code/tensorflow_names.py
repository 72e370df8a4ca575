"""`tf` for code in net dicts: the names of TensorFlow 2, and the names of TensorFlow 1 that 2 has dropped.

tf.to_float(x)                          tf.compat.v1.to_float
tf.reduce_sum(x, 1, keep_dims=True)     tf.compat.v1.reduce_sum, the only one with keep_dims
tf.random_uniform([3])                  drawn from the layer's random stream, see `random_numbers`
tf.contrib                              an error with the reason
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
import types
from collections.abc import Iterator
from typing import Any

from boulder.errors import NetworkError, nearest
from boulder.network.code.random_numbers import DRAWN, STATEFUL, drawn
from boulder.network.code.tensorflow1_calls import CHANGED, REFUSED, either

_OURS = ("tensorflow", "tensorflow.compat", "tensorflow.compat.v1")
"""Modules that code may import and for which it gets ours."""
_AS_IT_IS = ("keras",)
_ABSENT = object()


class MissingName(NetworkError, AttributeError):
    """A name that neither TensorFlow 2 nor 1 has, or that is refused. `hasattr` returns False for it."""


class TensorFlowNames(types.ModuleType):
    """TensorFlow or one of its modules, for code in net dicts."""

    def __init__(self, name: str, path: str, new: object, old: object) -> None:
        """
        :param name: `__name__`
        :param path: prefix of its names, "nn." for `tf.nn`
        :param new: module in which a name is looked up first
        :param old: module in which other names are looked up
        """
        super().__init__(name)
        self._path, self._new, self._old = path, new, old
        self._is_old = ".v1" in name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            return getattr(self._new, attribute)
        path = f"{self._path}{attribute}"
        if path in REFUSED:
            raise MissingName(f"tf.{path}: {REFUSED[path]}")
        if path in STATEFUL:
            raise MissingName(
                f"tf.{path} draws from a state of the process, which a resumed training does not have; "
                "expected tf.random.uniform, tf.random.normal or the like"
            )
        found = self._found(attribute, path)
        setattr(self, attribute, found)
        return found

    def _found(self, attribute: str, path: str) -> Any:
        new, old = (_attribute(module, attribute) for module in (self._new, self._old))
        if new is _ABSENT and old is _ABSENT:
            found = sys.modules.get(f"{self.__name__}.{attribute}")  # `import tensorflow.python.…`
            if found is None:
                known = {name for module in (self._new, self._old) for name in dir(module)}
                raise MissingName(f"neither TensorFlow 2 nor 1 has tf.{path}{nearest(attribute, known)}")
            return found
        first, second = (old, old) if new is _ABSENT else (new, new if old is _ABSENT else old)
        if path in DRAWN:
            return drawn(path, first)
        if path in CHANGED:
            return CHANGED[path](first, first if self._is_old else second)
        if isinstance(first, types.ModuleType):
            name = f"{self.__name__}.{attribute}"
            if path in _AS_IT_IS or not isinstance(second, types.ModuleType):
                return first
            return TensorFlowNames(name, f"{path}.", first, second)
        if first is second or not callable(first) or inspect.isclass(first):
            return first
        return either(first, second)

    def __dir__(self) -> list[str]:
        return sorted({*dir(self._new), *dir(self._old)})

    def __reduce_ex__(self, protocol: object) -> tuple:
        return tensorflow_module, (self.__name__,)


def _attribute(module: object, name: str) -> Any:
    try:
        return getattr(module, name, _ABSENT)
    except ImportError:  # a lazily loaded module that is not installed
        return _ABSENT


_made: dict[str, types.ModuleType] = {}


def tensorflow_module(name: str = "tensorflow") -> types.ModuleType:
    """
    Imports TensorFlow.

    :param name: name of a module of TensorFlow
    :return: a `TensorFlowNames` for TensorFlow itself and `tf.compat`, otherwise the real module
    """
    if not _made:
        new = importlib.import_module("tensorflow")
        old = new.compat.v1
        ours = TensorFlowNames("tensorflow", "", new, old)
        compat = TensorFlowNames("tensorflow.compat", "compat.", new.compat, new.compat)
        v1 = TensorFlowNames("tensorflow.compat.v1", "", old, new)
        vars(compat)["v1"], vars(ours)["compat"] = v1, compat
        _made.update(zip(_OURS, (ours, compat, v1), strict=True))
    return _made[name] if name in _made else importlib.import_module(name)


@contextlib.contextmanager
def imported() -> Iterator[None]:
    """Code that imports TensorFlow in this context gets ours. Modules that are loaded already keep the real one."""
    current = sys.modules.get("tensorflow")
    if isinstance(current, TensorFlowNames) or not isinstance(getattr(current, "__file__", None), str):
        yield  # ours already, not loaded, or a stand-in while planning
        return
    tensorflow_module()
    real = {name: sys.modules[name] for name in _made if name in sys.modules}
    sys.modules.update(_made)
    try:
        yield
    finally:
        for name in _made:
            del sys.modules[name]
        sys.modules.update(real)
