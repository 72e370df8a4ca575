"""The options of a layer in a net dict, checked against the fields of its class."""

import types
import typing
from dataclasses import MISSING, fields
from functools import cache

from boulder.errors import NetworkError, nearest

RENAMED = {"from": "sources"}  # words that Python keeps for itself


@cache
def _hints(cls: type) -> dict:
    return typing.get_type_hints(cls)


def known_options(cls: type) -> list[str]:
    """:return: the names that a net dict may use for a layer or loss of class `cls`"""
    back = {field: option for option, field in RENAMED.items()}
    return [back.get(f.name, f.name) for f in fields(cls) if f.init]


def parse(cls: type, given: dict, where: str):
    """
    :param cls: a dataclass whose fields are the options
    :param given: the options as the net dict has them
    :param where: for messages, e.g. "layer 'output' (softmax)"
    :return: an instance of `cls`
    :raises NetworkError: for an option that is not known, missing or of another type
    """
    known = known_options(cls)
    for option in given:
        if option not in known:
            raise NetworkError(f"{where}: unknown option {option!r}{nearest(option, known)}")
    values = {RENAMED.get(option, option): value for option, value in given.items()}
    for field in fields(cls):
        if field.init and field.name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise NetworkError(f"{where}: option {field.name!r} is missing")
    for name, value in values.items():
        hint = _hints(cls)[name]
        if not _fits(value, hint):
            raise NetworkError(f"{where}: option {name!r} must be {_text(hint)}, found {value!r}")
    return cls(**values)


def _fits(value, hint) -> bool:
    origin = typing.get_origin(hint)
    if hint is typing.Any:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, h) for h in typing.get_args(hint))
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    if origin is not None:
        hint = origin
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is typing.Callable or hint is types.FunctionType:
        return callable(value)
    try:
        return isinstance(value, hint)
    except TypeError:  # collections.abc.Callable
        return callable(value)


def _text(hint) -> str:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(_text(h) for h in typing.get_args(hint))
    if typing.get_origin(hint) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(hint)))
    return {type(None): "None", float: "a number", int: "an int", bool: "True or False", str: "a string"}.get(
        hint, getattr(hint, "__name__", str(hint))
    )
