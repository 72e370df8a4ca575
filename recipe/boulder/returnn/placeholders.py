"""Placeholders for objects of TensorFlow or RETURNN while planning.

    tf.float32                a placeholder, which pickles as its name and unpickles as the real object
    tf.constant(3)            a placeholder as well; unpickling makes the call
    isinstance(x, tf.Tensor)  False
    class A(tf.Module)        a class that cannot be instantiated

A placeholder never loads TensorFlow. Once TensorFlow is loaded, as in a worker, a placeholder behaves like the real object,
except while a config is loaded or planned (`planning`), so that a plan does not depend on the state of the process.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, SupportsIndex

from boulder.errors import ConfigError
from boulder.network.code.tensorflow_names import tensorflow_module
from boulder.returnn.returnn_modules import fill, new_name

LAZY = frozenset({"tensorflow", "keras", "horovod"})
"""Packages that planning must not load."""
_VERSION_OF = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "keras": ("keras",), "returnn": ()}
"""Module → packages that define its `__version__`. RETURNN's must not depend on the installed packages."""
_FALLBACK_VERSIONS = {"tensorflow": "2.21.0", "keras": "3.0.0", "returnn": "1.20261022.0"}

_planning = 0


@contextlib.contextmanager
def planning() -> Iterator[None]:
    """Makes placeholders ignore a loaded TensorFlow, while a config is loaded or its functions build networks."""
    global _planning
    _planning += 1
    try:
        yield
    finally:
        _planning -= 1


def _is_loaded(module: str) -> bool:
    top = module.partition(".")[0]
    return top in LAZY and not _planning and not isinstance(sys.modules.get(top, None), StandInModule | None)


class StandInModule(types.ModuleType):
    """Replaces a module of TensorFlow or RETURNN. Its undefined attributes are placeholders."""

    def __getattr__(self, attribute: str) -> Any:
        name = self.__name__
        if _is_loaded(name):
            return getattr(restore_module(name), attribute)
        if attribute in ("__version__", "__long_version__") and name in _VERSION_OF:
            return _version(name)
        if attribute.startswith("__"):
            raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
        return Placeholder(name, (attribute,))

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple:
        return restore_module, (self.__name__,)

    def __deepcopy__(self, memo: dict) -> StandInModule:
        return self


def stand_in_module(name: str) -> types.ModuleType:
    """
    :param name: as a config imports it
    :return: a new module with the names that Boulder provides, and placeholders for all others
    """
    module = StandInModule(name)
    fill(module)
    return module


def _version(name: str) -> str:
    for package in _VERSION_OF[name]:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return importlib.metadata.version(package)
    return _FALLBACK_VERSIONS[name]


def restore_module(name: str) -> types.ModuleType:
    """
    :return: in a worker, the module that a stand-in replaced; modules of RETURNN remain stand-ins, except in the process that
        reads data sets by RETURNN's own package
    """
    if name.partition(".")[0] == "tensorflow":
        return tensorflow_module(name)
    if name.partition(".")[0] in LAZY:
        return importlib.import_module(name)
    if "returnn" in sys.modules and not isinstance(sys.modules["returnn"], StandInModule):
        return importlib.import_module(new_name(name))
    return stand_in_module(name)


def restore(module: str, attributes: tuple[str, ...]) -> Any:
    """:return: in a worker, the object that a placeholder replaced"""
    found: Any = restore_module(module)
    for attribute in attributes:
        found = getattr(found, attribute)
    return found


def restore_call(function: Callable, args: tuple, kwargs: dict) -> Any:
    """:return: the result of a call that planning deferred"""
    return function(*args, **kwargs)


class Placeholder:
    """Stands for an object by its name. Operations that it does not define, e.g. arithmetic, raise a TypeError."""

    def __init__(self, module: str, attributes: tuple[str, ...]) -> None:
        self._stands_for = (module, attributes)

    def __getattr__(self, attribute: str) -> Any:
        module, attributes = self._stands_for if "_stands_for" in self.__dict__ else ("", ())
        if _is_loaded(module):
            return getattr(restore(module, attributes), attribute)
        if attribute.startswith("__") or not module:
            raise AttributeError(f"{self!r} has no attribute {attribute!r}")
        return Placeholder(module, (*attributes, attribute))

    @property  # type: ignore[misc]  # object.__class__ has a setter
    def __class__(self) -> type:
        """TensorFlow tests dtypes with isinstance. All other types stay hidden, because hashes would depend on them."""
        module, attributes = self.__dict__.get("_stands_for", ("", ()))
        real = type(restore(module, attributes)) if _is_loaded(module) else Placeholder
        return real if real.__name__ == "DType" else type(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        module, attributes = self._stands_for
        if _is_loaded(module):
            return restore(module, attributes)(*args, **kwargs)
        if module.partition(".")[0] in LAZY:
            return PlaceholderCall(self, args, kwargs)
        raise ConfigError(
            f"{self!r} was called, but Boulder has only a placeholder for it: it can be passed around and subclassed"
        )

    def __instancecheck__(self, instance: object) -> bool:
        module, attributes = self._stands_for
        return _is_loaded(module) and isinstance(instance, restore(module, attributes))

    def __subclasscheck__(self, cls: type) -> bool:
        module, attributes = self._stands_for
        return _is_loaded(module) and issubclass(cls, restore(module, attributes))

    def __mro_entries__(self, bases: tuple) -> tuple[type, ...]:
        module, attributes = self._stands_for
        if _is_loaded(module):
            return (restore(module, attributes),)
        return (type(attributes[-1], (PlaceholderBase,), {"__module__": module, "_base": repr(self)}),)

    def __or__(self, other: object) -> Placeholder:  # for annotations
        return self

    __ror__ = __or__

    def __getitem__(self, key: object) -> Placeholder:  # for annotations
        return self

    __iter__ = None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Placeholder):
            return self._stands_for == other._stands_for
        module, attributes = self._stands_for
        return bool(_is_loaded(module) and restore(module, attributes) == other)

    def __hash__(self) -> int:
        return hash(self._stands_for)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple:
        return restore, self._stands_for

    def __deepcopy__(self, memo: dict) -> Placeholder:
        return self

    def __repr__(self) -> str:
        module, attributes = self._stands_for
        return ".".join((module, *attributes))


def last_name(placeholder: Placeholder) -> str:
    """:return: the name of the object within its module: "HDFDataset" for `returnn.datasets.hdf.HDFDataset`"""
    return repr(placeholder).rpartition(".")[2]


class PlaceholderCall(Placeholder):
    """Stands for the result of calling a placeholder, e.g. of a decorator `@tf.function`."""

    def __init__(self, function: Any, args: tuple, kwargs: dict) -> None:
        super().__init__("", ())
        self._call = (function, args, kwargs)

    @property
    def arguments(self) -> list:
        """The function and its arguments."""
        function, args, kwargs = self._call
        return [function, *args, *kwargs.values()]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = restore_call(*self._call)
        if isinstance(function, PlaceholderCall):
            return PlaceholderCall(self, args, kwargs)
        return function(*args, **kwargs)

    def __getattr__(self, attribute: str) -> Any:
        value = restore_call(*self._call) if "_call" in self.__dict__ and not attribute.startswith("__") else None
        if value is None or isinstance(value, PlaceholderCall):
            raise AttributeError(f"{self!r} has no {attribute!r} while planning, which does not load TensorFlow")
        return getattr(value, attribute)

    def __bool__(self) -> bool:
        value = restore_call(*self._call)
        if isinstance(value, PlaceholderCall):
            raise ConfigError(f"whether {self!r} is true is unknown while planning, which does not load TensorFlow")
        return bool(value)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple:
        return restore_call, self._call

    def __repr__(self) -> str:
        return f"{self._call[0]!r}(…)"


class PlaceholderBase:
    """Base of a config's class whose real base is a placeholder."""

    _base = "?"

    def __new__(cls, *args: object, **kwargs: object) -> NoReturn:
        raise ConfigError(
            f"{cls.__name__} cannot be instantiated: Boulder has only a placeholder for its base {cls._base}"
        )


def with_real_bases(cls: type) -> type:
    """:return: the class, in the process of RETURNN's own package: each placeholder among its bases becomes the real class"""
    for one in cls.__mro__[:-1]:
        if one is not PlaceholderBase and PlaceholderBase not in one.__bases__:
            one.__bases__ = tuple(map(_real_base, one.__bases__))
    return cls


def _real_base(base: type) -> type:
    if PlaceholderBase not in base.__bases__:
        return base
    attributes = base._base.removeprefix(f"{base.__module__}.").split(".")  # type: ignore[attr-defined]  # see `__mro_entries__`
    real: type = restore(base.__module__, tuple(attributes))
    return real
