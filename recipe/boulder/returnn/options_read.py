"""Which options of its config a function reads: as globals, by `config.int("name", …)`, or by RETURNN's global config.

It is told from the compiled code, of the function and of all that it reaches, without calling it. Where the name of an
option is not written down (`config.value(name, None)`), it may be any.
"""

import inspect
import types
from collections.abc import Collection
from dataclasses import dataclass

from boulder.errors import ConfigError
from boulder.returnn.config_access import ASKS_FOR_CONFIG, keys_read
from boulder.returnn.options import Config
from boulder.returnn.provided.active import get_global_config
from boulder.schedule.bytecode import captured, names_used
from boulder.schedule.capture import is_library, reached


@dataclass(frozen=True)
class OptionsRead:
    """
    :param names: of options
    :param any: whether it may be any other as well
    :param asks: whether it asks for the config that is active, instead of having the global `config`
    """

    names: frozenset[str] = frozenset()
    any: bool = False
    asks: bool = False

    def among(self, options: Collection[str]) -> set[str]:
        """:return: those of `options` that it may read"""
        return set(options) if self.any else self.names & set(options)


def options_read(function: object, namespace: dict) -> OptionsRead:
    """
    :param function: anything that can be called, e.g. of a net dict
    :param namespace: the globals of the config
    """
    try:
        items = reached(function)
    except ConfigError:  # it captures what has no value: whoever is to send it to a worker says so
        return OptionsRead()
    names, unknown, asks = set(), False, False
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
    """:return: of a function of the user's, or of the text of an `eval`"""
    if type(item).__name__ == "Expression" and type(item).__module__.startswith("boulder."):
        return compile(item.text, "eval", "eval")
    return item.__code__ if isinstance(item, types.FunctionType) and not is_library(item.__module__) else None


def _held(function: object) -> dict[str, object]:
    """:return: name → value, of the globals and closures of a function"""
    if not isinstance(function, types.FunctionType):
        return {}
    found = {name: function.__globals__.get(name) for name in names_used(function.__code__)}
    return found | captured(function)


def _asks(code: types.CodeType) -> bool:
    return not ASKS_FOR_CONFIG.isdisjoint(names_used(code))


def _module_asks(module: types.ModuleType) -> bool:
    """Its functions are reached by their names, which may be any; so its text is what says it."""
    if is_library(module.__name__):
        return False
    try:
        text = inspect.getsource(module)
    except (OSError, TypeError):
        return False
    return any(name in text for name in ASKS_FOR_CONFIG)
