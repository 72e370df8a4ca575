"""
Files of hypotheses in RETURNN's formats, which its `search_output_file_format` names:

    py    {                                  a Python dict: tag of a sequence → hypothesis, in the order of the data set
          'seq-1': 'the cat',
          }
    txt   the cat                            a line for each sequence, without tags

A hypothesis is a text, a list of (score, text) for a layer with several hypotheses, an array for a layer whose output is no
class index, or, for several layers, a dict from layers to these.
"""

from __future__ import annotations

import ast
import gzip
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from boulder.atomic_file import replaced
from boulder.errors import ConfigError, DataError, nearest
from boulder.file_content import read_text

FORMATS = ("py", "txt")


def check_format(name: str, where: str, num_layers: int = 1) -> None:
    """
    :param num_layers: number of layers whose hypotheses the file holds
    :raises ConfigError: for an unknown format, or for one that cannot hold several layers
    """
    if name not in FORMATS:
        raise ConfigError(f"{where}: found {name!r}, expected {' or '.join(FORMATS)}{nearest(name, FORMATS)}")
    if name == "txt" and num_layers > 1:
        raise ConfigError(f"{where}: found 'txt' with {num_layers} output layers, which only 'py' can hold")


def write_hypotheses(path: str | os.PathLike[str], hypotheses: Mapping[str, Any], file_format: str = "py") -> None:
    """
    Writes a file atomically.

    :param path: the file is gzipped if its name ends in `.gz`
    :param hypotheses: tag → hypothesis
    """
    if file_format == "py":
        lines: Iterable[str] = ("{", *(f"{tag!r}: {_text(value)}," for tag, value in hypotheses.items()), "}")
    else:
        lines = (value if isinstance(value, str) else _text(value, pretty=False) for value in hypotheses.values())
    content = "".join(f"{line}\n" for line in lines).encode()
    if str(path).endswith(".gz"):
        content = gzip.compress(content, mtime=0)
    with replaced(path, durable=True) as temporary:
        temporary.write_bytes(content)


def read_hypotheses(path: str | os.PathLike[str]) -> dict[str, Any]:
    """
    Reads a file of the format `py`, of Boulder, RETURNN or i6_core, without executing it.

    :return: tag → text, or [(score, text), …]
    :raises DataError: for a file that is missing or of another format
    """
    text = read_text(path)
    try:
        parsed = ast.parse(text.strip(), mode="eval").body
        result = _value(parsed)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = " ".join(str(error).split())
        raise DataError(f"{path}: cannot be read as hypotheses in the format 'py': {reason}") from error
    if not isinstance(parsed, ast.Dict):
        raise DataError(f"{path}: found a {type(result).__name__}, expected a dict from tags to hypotheses")
    if len(result) != len(parsed.keys):
        tags = [_value(key) for key in parsed.keys if key is not None]
        twice = next(tag for tag in tags if tags.count(tag) > 1)
        raise DataError(f"{path}: found several hypotheses of {twice!r}, expected different tags")
    return result


def best_texts(hypotheses: Mapping[str, Any], where: str = "hypotheses") -> dict[str, str]:
    """
    :return: tag → text; of several hypotheses, the one of the highest score, the first of equal ones
    :raises DataError: for a hypothesis that is no text
    """
    result = {}
    for tag, value in hypotheses.items():
        if isinstance(value, list) and value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            value = max(value, key=lambda item: item[0])[1]
        if not isinstance(value, str):
            raise DataError(f"{where}: {tag!r}: found {value!r:.60}, expected a text, or a list of (score, text)")
        result[tag] = value
    return result


def _text(value: Any, pretty: bool = True) -> str:
    """
    :param pretty: an item of a list per line
    :return: Python text of a value, the same for the same value
    """
    if isinstance(value, np.ndarray):
        with np.printoptions(threshold=value.size + 1):
            return repr(value)
    if isinstance(value, float | np.floating):
        number = np.float32(value) if isinstance(value, np.float32) else float(value)
        return str(number)  # `nan` and `inf`, as the readers of the field expect them
    if isinstance(value, tuple):
        return f"({', '.join(_text(item, pretty) for item in value)})"
    if isinstance(value, list):
        items = [_text(item, pretty) for item in value]
        return "[\n" + "".join(f"{item},\n" for item in items) + "]" if pretty else f"[{', '.join(items)}]"
    if isinstance(value, dict):
        items = [f"{_text(key)}: {_text(item)}" for key, item in sorted(value.items())]
        if sum(map(len, items)) >= 40:
            return "{\n" + "".join(f"{item},\n" for item in items) + "}"
        return f"{{{', '.join(items)}}}"
    return repr(value)


def _value(node: ast.expr) -> Any:
    """:return: the value of an expression of constants, and of numbers as NumPy 1 and 2 print them"""
    match node:
        case ast.Dict(keys=keys, values=values):
            return {_value(key): _value(value) for key, value in zip(keys, values, strict=True) if key is not None}
        case ast.List(elts=items):
            return [_value(item) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_value(item) for item in items)
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.Name(id="nan" | "inf" as number):
            return math.nan if number == "nan" else math.inf
        case ast.Call(func=ast.Name() | ast.Attribute() as function, args=[argument], keywords=[]):
            name = function.id if isinstance(function, ast.Name) else function.attr
            if name in ("float", "float32", "float64"):
                return float(_value(argument))
    raise ValueError(f"line {node.lineno}: found {ast.unparse(node)[:60]!r}, expected texts and numbers")
