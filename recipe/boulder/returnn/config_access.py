"""Finds in compiled code which options it reads from a config: `config.int("name", …)`, `get_global_config().value(…)`."""

from __future__ import annotations

import dis
import types
from collections.abc import Collection
from typing import TypeAlias

from boulder.schedule.bytecode import code_objects

ASKS_FOR_CONFIG = frozenset({"get_global_config", "get_config", "BehaviorVersion"})
"""Names, in any module, of functions and classes that read the active config."""


def keys_read(code: types.CodeType, names: Collection[str]) -> set[str] | None:
    """
    :param names: globals and closure variables that hold a config
    :return: the options that the code reads from a config; None if it computes the name of an option
    """
    keys: set[str | None] = set()
    for one in code_objects(code):
        instructions = [i for i in dis.get_instructions(one) if i.opname not in _NO_OPERATION]
        known, variables = set(names), set()
        spans = [_span(instruction) for instruction in instructions if instruction.opname != "LOAD_CONST"]
        for position, instruction in enumerate(instructions):
            is_imported = instruction.opname == "IMPORT_FROM" and instruction.argval in ASKS_FOR_CONFIG
            if is_imported and instructions[position + 1].argval != instruction.argval:
                return None  # imported under another name
            after = _after_config(instructions, position, known)
            if after is None:
                continue
            if [i.opname for i in instructions[after : after + 1]] == ["STORE_FAST"]:  # config = get_global_config()
                variables.add(instructions[after].argval)
            else:
                keys.add(_key_asked(instructions[after : after + 3], spans))
        for position, instruction in enumerate(instructions):
            if isinstance(instruction.argval, tuple) and not variables.isdisjoint(instruction.argval):
                return None  # an instruction that loads several variables at once
            if instruction.opname.startswith("LOAD_") and instruction.argval in variables:
                keys.add(_key_asked(instructions[position + 1 : position + 4], spans))
    found = {key for key in keys if key is not None}
    return found if len(found) == len(keys) else None


_NO_OPERATION = frozenset({"CACHE", "NOP", "PRECALL", "PUSH_NULL", "RESUME", "EXTENDED_ARG", "COPY_FREE_VARS"})


def _after_config(instructions: list[dis.Instruction], position: int, names: Collection[str]) -> int | None:
    """:return: the position after the instructions that load a config, if they begin at `position`; else None"""
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
        return len(instructions)  # passed on or called with arguments: unknown
    return None


def _key_asked(instructions: list[dis.Instruction], spans: list[_Span | None]) -> str | None:
    """
    :param spans: of all instructions that compute something
    :return: "x" if the instructions begin with those of `.int("x", …)` or `.typed_dict.get("x", …)`, else None
    """
    if [i.argval for i in instructions[:2]] == ["typed_dict", "get"]:
        instructions = instructions[1:]
    if len(instructions) < 2 or instructions[0].opname not in ("LOAD_ATTR", "LOAD_METHOD"):
        return None
    method, key = instructions[:2]
    is_text = key.opname == "LOAD_CONST" and isinstance(key.argval, str)
    return key.argval if is_text and _is_argument(_span(key), _span(method), spans) else None


def _is_argument(argument: _Span | None, method: _Span | None, spans: list[_Span | None]) -> bool:
    """:return: whether the constant is the whole argument, unlike in `.int("x" + name)`: then the call is the next larger
    expression around it"""
    if argument is None or method is None:
        return False
    around = [span for span in spans if span and span[0] <= argument[0] and argument[1] <= span[1]]
    call = min(around, key=lambda span: (span[1], [-part for part in span[0]]), default=argument)
    return call[0] <= method[0] and method[1] <= call[1]


_Span: TypeAlias = tuple[tuple[int, int], tuple[int, int]]
"""(line, column) of the begin and the end of an expression"""


def _span(instruction: dis.Instruction) -> _Span | None:
    """:return: None if Python runs without the positions of expressions"""
    where = instruction.positions
    if where is None or None in (where.lineno, where.col_offset, where.end_lineno, where.end_col_offset):
        return None
    return (where.lineno, where.col_offset), (where.end_lineno, where.end_col_offset)  # type: ignore[return-value]
