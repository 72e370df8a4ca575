"""`WriteReturnnConfigJob`: the RETURNN config of a training as a file."""

from __future__ import annotations

import inspect
import pprint
import textwrap
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from boulder.atomic_file import write_text
from boulder.returnn.config_pieces import Code, Piece
from boulder.training.numpy_values import without_numpy
from jobs.checked_job import CheckedJob
from sisyphus import Task, tk


class WriteReturnnConfigJob(CheckedJob):
    """
    Writes the text of a RETURNN config. No training depends on it.

    Outputs:
        out_returnn_config_file: the config

    Hash: the text.
    """

    def __init__(self, *, text: str) -> None:
        """
        :param text: of the config
        """
        self.text = text

        self.out_returnn_config_file = self.output_path("returnn.config")

    def tasks(self) -> Iterator[Task]:
        yield Task("run", mini_task=True)

    def run(self) -> None:
        write_text(self.out_returnn_config_file.get_path(), self.text)


def text_of(pieces: Sequence[Piece]) -> str:
    """
    :param pieces: see `boulder.returnn.config_pieces`
    :return: a Python config for RETURNN. An object without a source, e.g. a lambda, is replaced by a text that names it
    """
    parts = ["#!rnn.py"]
    for _, piece in pieces:
        if isinstance(piece, str):
            parts.append(piece.strip())
            continue
        sources: dict[str, str] = {}
        lines = [
            f"{key} = {pprint.pformat(_raw(value, sources), width=120, sort_dicts=False)}"
            for key, value in piece.items()
        ]
        parts += [*sources.values(), "\n".join(lines)]
    return "\n\n".join(part for part in parts if part) + "\n"


class _Raw:
    """An expression whose repr is its text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _raw(value: Any, sources: dict[str, str]) -> Any:
    """:param sources: receives the sources of functions and classes"""
    value = without_numpy(value) if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(value, Code):
        return _Raw(value.text)
    if isinstance(value, tk.Path):
        return value.get_path()
    if isinstance(value, Mapping):
        return {_raw(key, sources): _raw(item, sources) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_raw(item, sources) for item in value)
    if isinstance(value, types.FunctionType | type) and value.__name__ != "<lambda>":
        try:
            sources[value.__name__] = textwrap.dedent(inspect.getsource(value)).strip()
        except (OSError, TypeError):
            return f"<not written: {value.__qualname__}>"
        return _Raw(value.__name__)
    if value is None or isinstance(value, str | int | float | set | frozenset):
        return value
    return f"<not written: {getattr(value, '__qualname__', type(value).__qualname__)}>"
