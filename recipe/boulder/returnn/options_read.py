"""Finds the options that a config's function reads: as globals, by `config.int("name", …)`, or by `get_global_config()`.

The analysis covers the compiled code of the function and of everything that it reaches, without calling it. If the code
computes the name of an option (`config.value(name, None)`), it may read any option.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Collection
from dataclasses import dataclass

from boulder.errors import ConfigError
from boulder.returnn.config_access import ASKS_FOR_CONFIG, keys_read
from boulder.returnn.config_object import Config
from boulder.returnn.provided.active import get_global_config
from boulder.schedule.bytecode import captured, names_used
from boulder.schedule.capture import is_library, reached


@dataclass(frozen=True)
class OptionsRead:
    """
    :param names: names of options
    :param any: whether the function may read any other option as well
    :param asks: whether it asks for the active config instead of reading the global `config`
    """

    names: frozenset[str] = frozenset()
    any: bool = False
    asks: bool = False

    def among(self, options: Collection[str]) -> set[str]:
        """:return: the members of `options` that the function may read"""
        return set(options) if self.any else set(self.names).intersection(options)


def options_read(function: Callable, namespace: dict) -> OptionsRead:
    """
    :param function: any callable, e.g. from a net dict
    :param namespace: the globals of the config
    """
    try:
        items = reached(function)
    except ConfigError:  # captures an object without a value; sending it to a worker raises the error
        return OptionsRead()
    names: set[str] = set()
    unknown, asks = False, False
    for item in items:
        if isinstance(item, types.ModuleType):
            asked = _module_asks(item)
            asks, unknown = asks or asked, unknown or asked
        code = _code(item)
        if code is None:
            continue
        if getattr(item, "__globals__", None) is namespace:
            names.update(names_used(code))
        renamed = any(value is get_global_config for name, value in _held(item).items() if name not in ASKS_FOR_CONFIG)
        asks = asks or renamed or _asks(code)
        read = keys_read(code, {name for name, value in _held(item).items() if isinstance(value, Config)})
        unknown = unknown or renamed or read is None
        names |= read or set()
    return OptionsRead(frozenset(names), unknown, asks)


def _code(item: object) -> types.CodeType | None:
    """:return: code of a user's function, or of the text of an `eval`; None for other items"""
    if type(item).__name__ == "Expression" and type(item).__module__.startswith("boulder."):
        return compile(item.text, "eval", "eval")  # type: ignore[attr-defined]  # an Expression
    return item.__code__ if isinstance(item, types.FunctionType) and not is_library(item.__module__) else None


def _held(function: object) -> dict[str, object]:
    """:return: name → value of the globals and closure variables of a function"""
    if not isinstance(function, types.FunctionType):
        return {}
    found = {name: function.__globals__.get(name) for name in names_used(function.__code__)}
    return found | captured(function)


def _asks(code: types.CodeType) -> bool:
    return not ASKS_FOR_CONFIG.isdisjoint(names_used(code))


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
