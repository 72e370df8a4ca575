"""Options of layers, losses and units, checked against the fields of their classes.

pydantic is not used: it could replace `_fits` alone. Its messages list each branch of a union, it refuses tuples for lists and
takes True for `Literal[1]`, and its import costs the manager 0.1 s.
"""

import math
import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, NamedTuple, TypeVar

import numpy

from boulder.errors import NetworkError, nearest
from boulder.network.dims import NetDim, sizes_of
from boulder.network.foreign_names import option_meant

Parsed = TypeVar("Parsed")

_OPTION_OF = {"sources": "from", "given_state": "state"}
"""field → option, where the option is a keyword of Python or the name of a method"""


class _Option(NamedTuple):
    """
    :param field: of the class
    :param hint: its type
    :param required: whether it has no default
    """

    field: str
    hint: Any
    required: bool


@cache
def _options(cls: type) -> dict[str, _Option]:
    """:return: option in the net dict → its field. A network has hundreds of layers of few classes."""
    hints = typing.get_type_hints(cls)
    return {
        _option(f.name): _Option(f.name, hints[f.name], f.default is MISSING and f.default_factory is MISSING)
        for f in fields(cls)
    }


def _option(field_name: str) -> str:
    return _OPTION_OF.get(field_name, field_name)


def known_options(cls: type) -> list[str]:
    """:return: names of the options that a net dict may set for `cls`"""
    return list(_options(cls))


@cache
def refused_options(cls: type) -> dict[str, str]:
    """:return: option that RETURNN has and `cls` has not → why, from the attributes `refused` of `cls` and its bases"""
    refused: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        refused |= base.__dict__.get("refused", {})
    return {option: reason for option, reason in refused.items() if option not in _options(cls)}


def _check_unknown(cls: type, option: object, value: object, where: str) -> None:
    """:raises NetworkError: unless the option is one of RETURNN with a value that stands for its absence"""
    refused = refused_options(cls)
    if option in refused and (value is None or value is False or value in ("", (), [], {})):
        return
    if option in refused:
        raise NetworkError(f"{where}: option {option!r} is not supported: {refused[str(option)]}; found {value!r:.60}")
    known = _options(cls)
    meant = option_meant(_option(option), known) if isinstance(option, str) else ""
    raise NetworkError(f"{where}: unknown option {option!r}{meant}")


def parse(cls: type[Parsed], given: dict, where: str) -> Parsed:
    """
    :param cls: a dataclass whose fields are the options
    :param given: options from the net dict; NumPy scalars count as Python's
    :param where: context for messages, e.g. "layer 'output' (softmax)"
    :return: an instance of `cls`
    :raises NetworkError: for an option that is unknown, refused, missing or of a wrong type
    """
    known: dict[str, _Option] = _options(cls)  # type: ignore[arg-type]  # mypy does not see that a class is hashable
    for option in given:
        if option not in known:
            _check_unknown(cls, option, given[option], where)
    for option, (_, _, required) in known.items():
        if required and option not in given:
            raise NetworkError(f"{where}: option {option!r} is missing")
    values = {}
    for option, value in given.items():
        if option not in known:
            continue
        field, hint, _ = known[option]
        if isinstance(value, numpy.generic):
            value = value.item()
        value = _with_sizes(value, hint)
        if value == {} and set in typing.get_args(hint):
            value = set()  # programs that write net dicts print an empty set like this
        if not _fits(value, hint):
            raise NetworkError(
                f"{where}: option {option!r} must be {_text(hint)}, found {value!r:.80}{_nearest_choice(value, hint)}"
            )
        values[field] = value
    return cls(**values)


def _fits(value: object, hint: Any) -> bool:
    return _check_of(hint)(value)


@cache
def _check_of(hint: Any) -> Callable[[Any], bool]:
    """:return: whether a value fits the type `hint`. A network has thousands of options of few types"""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        checks = [_check_of(h) for h in arguments]
        return lambda value: any(check(value) for check in checks)
    if origin is typing.Literal:
        return lambda value: any(type(value) is type(choice) and value == choice for choice in arguments)
    if origin is list:
        (entry_fits,) = map(_check_of, arguments)
        return lambda value: isinstance(value, list | tuple) and all(map(entry_fits, value))
    if origin is tuple:
        entries_fit = [_check_of(h) for h in arguments]
        return lambda value: (
            isinstance(value, list | tuple)
            and len(value) == len(entries_fit)
            and all(fits(entry) for fits, entry in zip(entries_fit, value, strict=True))
        )
    if hint is float:
        return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if hint is int:
        return lambda value: isinstance(value, int) and not isinstance(value, bool)
    if hint is Callable:
        return callable
    return lambda value: isinstance(value, hint)


def _with_sizes(value: object, hint: Any) -> object:
    """:return: the size of a `Dim` where an int is expected"""
    if isinstance(value, NetDim) and value.size is not None and _fits(1, hint) and not _fits(value, hint):
        return value.size
    if isinstance(value, list | tuple) and any(isinstance(entry, NetDim) for entry in value) and not _fits(value, hint):
        sizes = sizes_of(value)
        return sizes if _fits(sizes, hint) else value
    return value


def _nearest_choice(value: object, hint: Any) -> str:
    hints = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    choices = next((typing.get_args(h) for h in hints if typing.get_origin(h) is typing.Literal), ())
    return nearest(value, choices) if isinstance(value, str) and choices and isinstance(choices[0], str) else ""


_TEXTS: dict[Any, str] = {
    type(None): "None",
    float: "a number",
    int: "an int",
    bool: "True or False",
    str: "a string",
    dict: "a dict",
    list[str]: "a list of strings",
    list[int]: "a list of ints",
    list[int | NetDim]: "a list of ints",
    list[NetDim]: "a list of Dims",
    list[object]: "a list",
    list[tuple[str, object]]: "a list of pairs (layer, axis)",
    NetDim: "a Dim",
    set: "a set",
    tuple: "a tuple",
    list: "a list",
    Callable: "a function",
}


def _text(hint: Any) -> str:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(_text(h) for h in typing.get_args(hint))
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    return _TEXTS[hint]
