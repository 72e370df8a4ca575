"""Arguments of a config in its name: `config/g2p.demo(3)`, `my.config(train='train.hdf')`."""

from __future__ import annotations

import ast
import inspect
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from boulder.errors import ConfigError, nearest


def split_name(name: str) -> tuple[str, str]:
    """:return: the file or function, and its arguments with their parentheses; "" for none"""
    if "(" not in name or os.path.exists(name):
        return name, ""
    opened = [position for position, letter in enumerate(name) if letter == "("]
    of_file = [position for position in opened if os.path.isfile(name[:position])]
    start = (of_file or opened)[0]
    return name[:start], name[start:]


def parse_arguments(name: str) -> tuple[list[Any], dict[str, Any]]:
    """
    :return: values by position, and by keyword
    :raises ConfigError: if they are no Python literals
    """
    where, text = split_name(name)
    try:
        call: Any = ast.parse(f"f{text or '()'}", mode="eval").body
        if any(keyword.arg is None for keyword in call.keywords):  # **{…}
            raise ValueError
        given = [ast.literal_eval(argument) for argument in call.args]
        return given, {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError, AttributeError):
        raise ConfigError(
            f"config {name!r}: found arguments {text}, expected Python literals, such as {where}('a.config', cpu=2)"
        ) from None


def with_keywords(name: str, further: Mapping[str, Any]) -> str:
    """
    :return: the name with further arguments
    :raises ConfigError: if the name has one of them already
    """
    if not further:
        return name
    given, keywords = parse_arguments(name)
    if twice := sorted(keywords.keys() & further.keys()):
        raise ConfigError(f"config {name!r}: --{twice[0]} sets {twice[0]!r} again, expected one of the two")
    return called(split_name(name)[0], given, keywords | dict(further))


def called(where: str, given: Sequence[Any], keywords: Mapping[str, Any]) -> str:
    """:return: e.g. `config/g2p.demo(3, name='a')`"""
    return f"{where}({', '.join([*map(repr, given), *(f'{key}={value!r}' for key, value in keywords.items())])})"


def by_position(
    name: str, function: Callable[..., Any], given: Sequence[Any], keywords: Mapping[str, Any]
) -> list[Any]:
    """
    :param name: of the config, for messages
    :return: all arguments by position, since Sisyphus knows no keywords
    :raises ConfigError: if the function has other parameters
    """
    signature = inspect.signature(function)
    for key in keywords:
        if key not in signature.parameters:
            known = f"expected {', '.join(signature.parameters)}" if signature.parameters else "it takes none"
            raise ConfigError(
                f"config {name!r}: there is no argument {key!r}, {known}{nearest(key, signature.parameters)}"
            )
    try:
        bound = signature.bind(*given, **keywords)
    except TypeError as error:
        raise ConfigError(f"config {name!r}: {error}") from None
    if not keywords:
        return list(given)
    bound.apply_defaults()
    if bound.kwargs:
        raise ConfigError(f"config {name!r}: Sisyphus cannot set {', '.join(bound.kwargs)}, which has no position")
    return list(bound.args)
