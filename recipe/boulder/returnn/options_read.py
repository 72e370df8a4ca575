"""Which options of its config a function reads: as globals, by `config.int("name", …)`, or by RETURNN's global config.

It is told from the compiled code, of the function and of all that it reaches, without calling it. Where the name of an
option is not written down (`config.value(name, None)`), it may be any.
"""

import dis
import inspect
import types
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from boulder.errors import ConfigError
from boulder.returnn.options import Config
from boulder.returnn.provided.active import get_global_config
from boulder.schedule.capture import is_library, reached

ASKS_FOR_CONFIG = frozenset({"get_global_config", "get_config", "BehaviorVersion"})
"""Functions that give the config that is active, whatever they are imported from."""


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
            names.update(_names(code))
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


def keys_read(code: types.CodeType, names: Collection[str]) -> set[str] | None:
    """
    :param names: of globals and closures that hold a config
    :return: the options that the code asks a config for; None: some whose names it does not write down
    """
    keys: set[str | None] = set()
    for one in _codes(code):
        instructions = [i for i in dis.get_instructions(one) if i.opname not in _NO_OPERATION]
        known, variables = set(names), set()
        for position, instruction in enumerate(instructions):
            is_imported = instruction.opname == "IMPORT_FROM" and instruction.argval in ASKS_FOR_CONFIG
            if is_imported and instructions[position + 1].argval != instruction.argval:
                return None  # under another name
            after = _after_config(instructions, position, known)
            if after is None:
                continue
            if [i.opname for i in instructions[after : after + 1]] == ["STORE_FAST"]:  # config = get_global_config()
                variables.add(instructions[after].argval)
            else:
                keys.add(_key_asked(instructions[after : after + 2]))
        for position, instruction in enumerate(instructions):
            if isinstance(instruction.argval, tuple) and not variables.isdisjoint(instruction.argval):
                return None  # several instructions in one
            if instruction.opname.startswith("LOAD_") and instruction.argval in variables:
                keys.add(_key_asked(instructions[position + 1 : position + 3]))
    return None if None in keys else keys


_NO_OPERATION = frozenset({"CACHE", "NOP", "PRECALL", "PUSH_NULL", "RESUME", "EXTENDED_ARG", "COPY_FREE_VARS"})


def _after_config(instructions: list[dis.Instruction], position: int, names: Collection[str]) -> int | None:
    """:return: the position after the instructions that put a config on the stack, if they begin here; else None"""
    instruction = instructions[position]
    if not instruction.opname.startswith("LOAD_") or not isinstance(instruction.argval, str):
        return None
    if instruction.opname == "LOAD_CONST":
        return None
    if instruction.argval in names:
        return position + 1
    if instruction.argval in ASKS_FOR_CONFIG:
        following = instructions[position + 1 : position + 2]
        if following and following[0].opname == "CALL" and following[0].arg == 0:
            return position + 2
        return len(instructions)  # passed on, or called with arguments: there is no telling
    return None


def _key_asked(instructions: list[dis.Instruction]) -> str | None:
    """:return: "x" of `.int("x"`; None if it is something else"""
    if [i.opname for i in instructions] not in (["LOAD_ATTR", "LOAD_CONST"], ["LOAD_METHOD", "LOAD_CONST"]):
        return None
    key = instructions[1].argval
    return key if isinstance(key, str) else None


def _held(function: object) -> dict[str, object]:
    """:return: name → value, of the globals and closures of a function"""
    if not isinstance(function, types.FunctionType):
        return {}
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    found = {name: function.__globals__.get(name) for name in _names(function.__code__)}
    return found | {name: _content(cell) for name, cell in cells}


def _asks(code: types.CodeType) -> bool:
    return not ASKS_FOR_CONFIG.isdisjoint(_names(code))


def _module_asks(module: types.ModuleType) -> bool:
    """Its functions are reached by their names, which may be any; so its text is what says it."""
    if is_library(module.__name__):
        return False
    try:
        text = inspect.getsource(module)
    except (OSError, TypeError):
        return False
    return any(name in text for name in ASKS_FOR_CONFIG)


def _names(code: types.CodeType) -> set[str]:
    return {name for one in _codes(code) for name in one.co_names}


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _content(cell: types.CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not yet filled
        return None
