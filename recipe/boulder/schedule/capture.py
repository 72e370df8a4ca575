"""Describes a function by its source and the values that it reaches, independent of its file and line.

A description is a list: first the function itself, then every function and class of the user that it reaches, each
once. Its entries refer to each other by number, so mutually recursive functions are fine.
"""

from __future__ import annotations

import copyreg
import dis
import functools
import sys
import types
from collections.abc import Callable, Iterator

from boulder.errors import ConfigError
from boulder.schedule.bytecode import captured, code_objects
from boulder.schedule.plain import Plain, to_plain
from boulder.schedule.source import class_source, code_description, function_source, module_source


def description(function: Callable, path: str = "") -> list[dict]:
    """
    :param path: where the function was found, for messages
    :return: plain
    :raises ConfigError: if it reaches an object without a value, e.g. an open file
    """
    return _Reached(path).all_from(function)


def can_travel(value: object) -> bool:
    """:return: whether a value, and everything that it reaches, can be described"""
    try:
        _Reached("").all_from(value)
    except (ConfigError, RecursionError):
        return False
    return True


def reached(function: object) -> list[object]:
    """
    :param function: or another value, e.g. a dict of functions
    :return: the function, and every function, class and module that it reaches
    :raises ConfigError: as `description`
    """
    found = _Reached("")
    found.all_from(function)
    return [*found.order, *found.modules]


def modules_by_value(function: Callable) -> list[types.ModuleType]:
    """:return: the user's modules that define the functions and classes which it reaches"""
    found = _Reached("")
    found.all_from(function)
    names = {getattr(item, "__module__", None) for item in found.order}
    return [sys.modules[name] for name in sorted(filter(None, names)) if name in sys.modules and not is_library(name)]


def is_library(module: str | None) -> bool:
    """
    :return: whether a worker can import the module by name: Python's own, Boulder's, or an installed package's
    """
    if not module or module == "__main__":
        return False
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names or top == "boulder":
        return True
    file = getattr(sys.modules.get(module), "__file__", None) or getattr(sys.modules.get(top), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file


class _Reached:
    """Walks from a function to everything that it reaches, and describes each item."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.order: list[object] = []
        self.numbers: dict[int, int] = {}
        self.modules: list[types.ModuleType] = []
        self.name = ""

    def all_from(self, root: object) -> list[dict]:
        self._number(root)
        result: list[dict] = []
        while len(result) < len(self.order):
            item = self.order[len(result)]
            self.name = getattr(item, "__qualname__", type(item).__name__)
            result.append(self._describe(item))
        return result

    def _number(self, item: object) -> dict[str, int]:
        if id(item) not in self.numbers:
            self.numbers[id(item)] = len(self.order)
            self.order.append(item)  # keeps the item alive, so that its id stays unique
        return {"#number": self.numbers[id(item)]}

    def _describe(self, item: object) -> dict:
        reference = _reference(item)
        if reference:
            return {"reference": reference}
        if isinstance(item, types.FunctionType):
            return self._describe_function(item)
        if isinstance(item, types.MethodType):
            return {"method": self._number(item.__func__), "self": self._plain(item.__self__, "self")}
        if isinstance(item, functools.partial):
            return {
                "partial": self._number(item.func),
                "args": self._plain(item.args, "args"),
                "keywords": self._plain(item.keywords, "keywords"),
            }
        if isinstance(item, type):
            return self._describe_class(item)
        return {"object": self._reduced(item, self.name)}

    def _describe_function(self, function: types.FunctionType) -> dict:
        source = function_source(function)
        return {
            **({"source": source} if source else {"code": self._plain(code_description(function.__code__), "code")}),
            "defaults": self._plain(function.__defaults__ or (), "defaults"),
            "keyword_defaults": self._plain(function.__kwdefaults__ or {}, "defaults"),
            "closure": {
                name: self._captured(function, value, name)
                for name, value in captured(function, empty=NotImplemented).items()
            },
            "globals": {
                name: self._captured(function, function.__globals__[name], name)
                for name in sorted(set(_global_names(function.__code__)))
                if name in function.__globals__ and not (name.startswith("__") and name.endswith("__"))
            },
        }

    def _captured(self, function: types.FunctionType, value: object, name: str) -> Plain:
        """Describes a captured value. A class of Boulder may define `captured_by` to select the part that counts."""
        if is_library(type(value).__module__) and hasattr(type(value), "captured_by"):
            value = value.captured_by(function.__code__, name)  # type: ignore[attr-defined]  # see hasattr
        return self._plain(value, name)

    def _describe_class(self, cls: type) -> dict:
        members: dict[str, Plain] = {}
        for name, member in sorted(vars(cls).items()):
            member = member.__func__ if isinstance(member, staticmethod | classmethod) else member
            if isinstance(member, property):
                members[name] = [self._number(f) if f else None for f in (member.fget, member.fset, member.fdel)]
            elif isinstance(member, types.FunctionType):
                members[name] = self._number(member)
            elif not (name.startswith("__") and name.endswith("__")):
                try:
                    members[name] = self._plain(member, name)
                except ConfigError:  # e.g. a descriptor: the class's source covers it
                    continue
        bases = [self._number(base) for base in cls.__bases__]
        return {"class": class_source(cls) or cls.__qualname__, "bases": bases, "members": members}

    def _plain(self, value: object, name: str) -> Plain:
        return to_plain(value, self._other, name)

    def _other(self, value: object, name: str) -> Plain:
        if hasattr(value, "digest") and type(value).__name__ == "FunctionByValue":  # that class uses this module
            return {"#function": value.digest}
        if isinstance(value, types.ModuleType):
            self.modules.append(value)
            source = None if is_library(value.__name__) else module_source(value)
            return {"#module": value.__name__, **({"source": source} if source else {})}
        if isinstance(value, bytes):
            return {"#bytes": value.hex()}
        if value is Ellipsis or value is NotImplemented:
            return {"#constant": repr(value)}
        if callable(value):
            return self._number(value)
        return {"#object": self._reduced(value, name)}

    def _reduced(self, value: object, name: str) -> Plain:
        """:return: the parts from which pickle would rebuild the object"""
        try:
            reducer = copyreg.dispatch_table.get(type(value))
            parts = reducer(value) if reducer else value.__reduce_ex__(4)
        except Exception as error:  # a foreign __reduce__ may raise anything
            where = f"{self.path}: " if self.path else ""
            raise ConfigError(
                f"{where}function {self.name!r} captures {name!r}, found a {type(value).__name__}, "
                "expected a value that can be pickled"
            ) from error
        if isinstance(parts, str):
            return [type(value).__module__, parts]
        return [self._plain(list(part) if i in (3, 4) and part else part, name) for i, part in enumerate(parts)]


def _reference(item: object) -> str | None:
    """:return: `module:name` if a library's module holds the item under that name, else None"""
    module = getattr(item, "__module__", None) or type(item).__module__
    name = getattr(item, "__qualname__", None) or getattr(item, "__name__", None)
    if not isinstance(name, str) or not is_library(module):
        return None
    if isinstance(item, types.BuiltinFunctionType) and isinstance(item.__self__, types.ModuleType | None):
        return f"{module}:{name}"
    found: object = sys.modules.get(module or "")
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name}" if found is item else None


def _global_names(code: types.CodeType) -> Iterator[str]:
    """Yields the names of the globals that a function and its nested functions read."""
    for one in code_objects(code):
        for instruction in dis.get_instructions(one):
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                yield instruction.argval
