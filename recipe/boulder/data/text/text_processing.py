"""Functions text → text that RETURNN's data sets apply before a vocabulary, by RETURNN's names."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Sequence

from boulder.data.read_errors import read_errors
from boulder.errors import DataError, nearest

Process = Callable[[str], str]

_ABBREVIATIONS = {
    "mrs": "misses", "ms": "miss", "mr": "mister", "dr": "doctor", "st": "saint", "co": "company", "jr": "junior",
    "maj": "major", "gen": "general", "drs": "doctors", "rev": "reverend", "lt": "lieutenant", "hon": "honorable",
    "sgt": "sergeant", "capt": "captain", "esq": "esquire", "ltd": "limited", "col": "colonel", "ft": "fort",
}  # fmt: skip
_WITH_INFLECT = ("english_cleaners", "english_cleaners_keep_special", "normalize_numbers")


def lowercase(text: str) -> str:
    return text.lower()


def lowercase_keep_special(text: str) -> str:
    """All words but `[…]` and `<…>`."""
    return re.sub(r"(\s|^)(?!(\[\S*])|(<\S*>))\S+(?=\s|$)", lambda found: found[0].lower(), text)


def collapse_whitespace(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def basic_cleaners(text: str) -> str:
    return collapse_whitespace(lowercase(text))


def expand_abbreviations(text: str) -> str:
    """English titles: "Dr." becomes "doctor"."""
    for short, whole in _ABBREVIATIONS.items():
        text = re.sub(rf"\b{short}\.", whole, text, flags=re.IGNORECASE)
    return text


def get_remove_chars(chars: str | Sequence[str]) -> Process:
    """:return: function that replaces these characters by blanks"""

    def remove(text: str) -> str:
        for char in chars:
            text = text.replace(char, " ")
        return collapse_whitespace(text)

    return remove


def get_replace(old: str, new: str) -> Process:
    def replace(text: str) -> str:
        return text.replace(old, new)

    return replace


_FUNCTIONS = (lowercase, lowercase_keep_special, collapse_whitespace, basic_cleaners, expand_abbreviations)
_KNOWN = {function.__name__: function for function in _FUNCTIONS}
_MAKERS = {maker.__name__: maker for maker in (get_remove_chars, get_replace)}


def text_processing(option: object) -> Process:
    """
    :param option: None; a function; a name such as "lowercase"; a call such as "get_remove_chars(',/')"; or several of them,
        as a list, or separated by commas in a text, which apply one after another
    :raises DataError: for another value, with the nearest name
    """
    steps = list(_steps(option))

    def process(text: str) -> str:
        for step in steps:
            with read_errors(f"the function {_name_of(step)!r}"):
                text = step(text)
            if not isinstance(text, str):
                raise DataError(f"the function of the text returned {text!r:.60}, expected a text")
        return text

    return process


def _steps(option: object) -> Iterator[Process]:
    if not option:
        return
    if callable(option):
        yield option
    elif isinstance(option, list | tuple):
        for item in option:
            yield from _steps(item)
    elif isinstance(option, str):
        yield from map(_named, _parsed(option))
    else:
        raise DataError(f"found {option!r:.60}, expected a function or its name")


def _parsed(text: str) -> list[ast.expr]:
    try:
        found = ast.parse(text, mode="eval").body
    except SyntaxError:
        raise DataError(f"found {text!r:.60}, expected the name of a function{nearest(text, _names())}") from None
    return found.elts if isinstance(found, ast.Tuple | ast.List) else [found]


def _named(step: ast.expr) -> Process:
    if isinstance(step, ast.Name) and step.id in _KNOWN:
        return _KNOWN[step.id]
    name = ast.unparse(step)
    if isinstance(step, ast.Call) and isinstance(step.func, ast.Name) and not step.keywords:
        name = step.func.id
        if name in _MAKERS:
            try:
                return _MAKERS[name](*map(ast.literal_eval, step.args))
            except (ValueError, TypeError) as error:
                raise DataError(f"found {ast.unparse(step)!r:.60}: {error}") from error
    if name in _WITH_INFLECT:
        raise DataError(f"found {name!r}, which needs the package inflect; pass a function of your own that calls it")
    raise DataError(f"found {name!r:.60}, expected one of {', '.join(_names())}{nearest(name, _names())}")


def _name_of(step: Process) -> str:
    return str(getattr(step, "__name__", None) or getattr(step, "name", type(step).__name__))


def _names() -> list[str]:
    return [*_KNOWN, *_MAKERS]
