"""Finds the options that a config's function reads: as globals, by `config.int("name", …)`, or by `get_global_config()`.

The analysis covers the compiled code of the function and of everything that it reaches, without calling it; a function that it
finds by an option's name is reached as well. If the code computes the name of an option (`config.value(name, None)`), it may
read any option.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from boulder.errors import ConfigError
from boulder.returnn.config_access import ASKS_FOR_CONFIG, keys_read
from boulder.returnn.config_object import Config, is_plain
from boulder.returnn.options_needed import options_needed
from boulder.returnn.provided.active import get_global_config
from boulder.schedule.bytecode import captured, code_objects, names_used
from boulder.schedule.capture import is_library, reached
from boulder.schedule.source import function_source


@dataclass
class OptionsRead:
    """
    :param names: names of options
    :param asked: those among them that it asks a config for, by name
    :param needed: those among them without which it fails
    :param any: whether the function may read any other option as well
    :param asks: whether it needs the config in a worker, since it asks for the active one, or for a function in it
    :param functions: functions of the user that it reaches, also by options
    """

    names: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    needed: set[str] = field(default_factory=set)
    any: bool = False
    asks: bool = False
    functions: list[types.FunctionType] = field(default_factory=list)

    def among(self, options: Collection[str]) -> set[str]:
        """:return: the members of `options` that the function may read"""
        return set(options) if self.any else self.names.intersection(options)

    def add(self, other: OptionsRead) -> None:
        self.names |= other.names
        self.asked |= other.asked
        self.needed |= other.needed
        self.any, self.asks = self.any or other.any, self.asks or other.asks
        self.functions += other.functions


def options_read(function: Callable, namespace: dict) -> OptionsRead:
    """
    :param function: any callable, e.g. from a net dict
    :param namespace: the globals of the config
    """
    found = OptionsRead()
    read: dict[int, object] = {}  # by id; holds the objects, so that their ids stay unique
    pending: list[Any] = [function]
    followed: set[str] = set()
    while pending:
        try:
            items = reached(pending.pop())
        except ConfigError:  # reaches an object without a value; sending it to a worker raises the error
            continue
        for item in items:
            if id(item) not in read:
                read[id(item)] = item
                found.add(_read_by(item, namespace))
        named = {key for key in found.asked if not is_plain("", namespace.get(key))}
        pending += [namespace[key] for key in sorted(named - followed)]
        followed |= named
    found.asks = found.asks or found.any or bool(followed)
    return found


def _read_by(item: object, namespace: dict) -> OptionsRead:
    """:return: what an item that a function reaches reads itself"""
    if isinstance(item, types.ModuleType):
        asks = _module_asks(item)
        return OptionsRead(any=asks, asks=asks)
    code, source = _code(item)
    if code is None:
        return OptionsRead()
    held = _held(item)
    unknown = any(value is get_global_config for name, value in held.items() if name not in ASKS_FOR_CONFIG)
    unknown = unknown or _executes_text(code)
    keys = keys_read(code, {name for name, value in held.items() if isinstance(value, Config)})
    is_of_config = getattr(item, "__globals__", None) is namespace
    return OptionsRead(
        names=(names_used(code) if is_of_config else set()) | (keys or set()),
        asked=set(keys or ()),
        needed=options_needed(source or ""),
        any=unknown or keys is None,
        asks=unknown or not ASKS_FOR_CONFIG.isdisjoint(names_used(code)),
        functions=[item] if isinstance(item, types.FunctionType) else [],
    )


def _code(item: object) -> tuple[types.CodeType | None, str | None]:
    """:return: code and source of a user's function, or of the text of an `eval`; None for other items"""
    if type(item).__name__ == "Expression" and type(item).__module__.startswith("boulder."):
        text = item.text  # type: ignore[attr-defined]  # an Expression
        return compile(text, "eval", "eval"), text
    if isinstance(item, types.FunctionType) and not is_library(item.__module__):
        return item.__code__, function_source(item)
    return None, None


def _executes_text(code: types.CodeType) -> bool:
    """:return: whether the code executes a text that asks for the active config"""
    if names_used(code).isdisjoint(("exec", "eval")):
        return False
    texts = [constant for one in code_objects(code) for constant in one.co_consts if isinstance(constant, str)]
    return any(name in text for text in texts for name in ASKS_FOR_CONFIG)


def _held(function: object) -> dict[str, object]:
    """:return: name → value of the globals and closure variables of a function"""
    if not isinstance(function, types.FunctionType):
        return {}
    found = {name: function.__globals__.get(name) for name in names_used(function.__code__)}
    return found | captured(function)


def _module_asks(module: types.ModuleType) -> bool:
    """:return: whether a module of the user may ask for the active config, judged by its text, because code can call any
    of its functions by name"""
    if is_library(module.__name__):
        return False
    try:
        text = inspect.getsource(module)
    except (OSError, TypeError):
        return False
    return any(name in text for name in ASKS_FOR_CONFIG)
