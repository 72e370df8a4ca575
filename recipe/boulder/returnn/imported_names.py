"""Finds the modules that functions import when they are called, without calling them."""

from __future__ import annotations

import contextlib
import dis
import functools
import importlib.util
import inspect
import re
import types
from collections.abc import Callable, Iterable, Iterator

from boulder.returnn.placeholders import PlaceholderCall
from boulder.schedule.bytecode import captured, code_objects, names_used
from boulder.schedule.capture import is_library

Modules = dict[str, types.ModuleType]


class Imports:
    """What functions and expressions import, and the functions and modules of the user that they reach by that."""

    def __init__(self, find: Callable[[str, bool], Modules]) -> None:
        """
        :param find: called as `find(name, load)`: returns a module of the user and its packages; {} if there is none of this name,
            or, without `load`, if it is not loaded
        """
        self._find = find
        self._modules_seen: dict[int, types.ModuleType] = {}  # by id; holds the objects, so that their ids stay unique
        self.functions: dict[int, types.FunctionType] = {}
        """Those that are reached, by id"""
        self.names: set[str] = set()
        """Of the modules that are imported"""
        self.own: Modules = {}
        """Those of the user, and those that they have imported themselves: what they compute depends on these"""

    def of_functions(self, functions: Iterable[types.FunctionType]) -> None:
        """Follows functions to all that they reach by variables, imports and attributes of modules."""
        pending = [*functions]
        while pending:
            function = pending.pop()
            if id(function) in self.functions or (function.__module__ or "").startswith("boulder."):
                continue
            self.functions[id(function)] = function
            used = names_used(function.__code__)
            values = [function.__globals__.get(name) for name in used]
            values += captured(function).values()
            imported = {*_of_code(function.__code__, function.__globals__.get("__package__"))}
            pending += self._functions_in([*values, *self._modules(imported)], used)

    def of_expression(self, text: str) -> None:
        """Follows an expression such as `exec("from a import b")` or `__import__("a")`."""
        modules = self._modules({*_of_expression(text)})
        self.of_functions(self._functions_in(modules, {*re.findall(r"\w+", text)}))

    def _modules(self, names: set[str]) -> list[object]:
        self.names |= names
        found = {name: module for one in sorted(names) for name, module in self._find(one, True).items()}
        self.own |= found
        return [*found.values()]

    def _functions_in(self, values: list[object], names: set[str]) -> list[types.FunctionType]:
        """:return: the functions in the values, and in modules of the user among them, as far as they have one of the names"""
        found: list[types.FunctionType] = []
        modules: set[int] = set()
        for value in values:  # which grows
            if not isinstance(value, types.ModuleType):
                found += functions_in(value)
            elif id(value) not in modules and not is_library(value.__name__):
                modules.add(id(value))
                values += [vars(value)[name] for name in sorted(names & vars(value).keys())]
                self._imported_by_module(value)
        return found

    def _imported_by_module(self, module: types.ModuleType) -> None:
        if id(module) in self._modules_seen:
            return
        self._modules_seen[id(module)] = module
        try:
            code = compile(inspect.getsource(module), module.__name__, "exec", dont_inherit=True)
        except (OSError, TypeError, SyntaxError, ValueError):
            return
        for name in {*_of_one_code(code, vars(module).get("__package__"))}:
            found = self._find(name, False)
            self.own |= found
            for one in found.values():
                self._imported_by_module(one)


def functions_in(value: object) -> list[types.FunctionType]:
    """:return: the function in a bound method, a partial, or a decorated one; the methods of a class of the user"""
    if isinstance(value, types.FunctionType):
        return [value]
    if isinstance(value, types.MethodType):
        return functions_in(value.__func__)
    if isinstance(value, functools.partial):
        return functions_in(value.func)
    if isinstance(value, PlaceholderCall):  # decorated by a function of TensorFlow
        return [function for argument in value.arguments for function in functions_in(argument)]
    if isinstance(value, type):
        members = [
            member for base in value.__mro__ if not is_library(base.__module__) for member in vars(base).values()
        ]
        functions = [getattr(member, "__func__", member) for member in members]
        return [function for function in functions if isinstance(function, types.FunctionType)]
    return []


def _of_expression(text: str) -> Iterator[str]:
    code = compile(text, "eval", "eval")
    used = names_used(code)
    for constant in (constant for one in code_objects(code) for constant in one.co_consts):
        if not isinstance(constant, str):
            continue
        if "__import__" in used and all(part.isidentifier() for part in constant.split(".")):
            yield constant
        if "exec" in used:
            with contextlib.suppress(SyntaxError, ValueError):
                yield from _of_code(compile(constant, "exec", "exec"), None)


def _of_code(code: types.CodeType, package: str | None) -> Iterator[str]:
    for one in code_objects(code):
        yield from _of_one_code(one, package)


def _of_one_code(code: types.CodeType, package: str | None) -> Iterator[str]:
    """Yields, for `from .a import b`, the module `a` of the package, and `a.b`, which may be one, too."""
    instructions = [instruction for instruction in dis.get_instructions(code) if instruction.opname != "EXTENDED_ARG"]
    for position, instruction in enumerate(instructions):
        if instruction.opname != "IMPORT_NAME":
            continue
        level, attributes = (instructions[position - n].argval for n in (2, 1))
        try:
            name = importlib.util.resolve_name("." * level + instruction.argval, package)
        except ImportError:  # beyond the top of its package; the call raises the error
            continue
        yield name
        yield from (f"{name}.{attribute}" for attribute in attributes or () if attribute != "*")
