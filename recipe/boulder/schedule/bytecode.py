"""Walks over the compiled code of functions."""

from __future__ import annotations

import types
from collections.abc import Iterator


def code_objects(code: types.CodeType) -> Iterator[types.CodeType]:
    """Yields the code, and the code of the functions and classes defined inside it, at any depth."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from code_objects(constant)


def names_used(code: types.CodeType) -> set[str]:
    """:return: names of globals, attributes and imports that the code uses, nested functions included"""
    return {name for one in code_objects(code) for name in one.co_names}


def captured(function: types.FunctionType, empty: object = None) -> dict[str, object]:
    """
    :param empty: stands for a closure variable without a value yet
    :return: closure variable → its value
    """
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {name: _content(cell, empty) for name, cell in cells}


def _content(cell: types.CellType, empty: object) -> object:
    try:
        return cell.cell_contents
    except ValueError:
        return empty
