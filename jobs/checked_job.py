"""`CheckedJob`: a Sisyphus job that refuses text where a path is due."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from boulder.errors import ConfigError
from sisyphus import Job


class CheckedJob(Job):
    """
    Base of jobs with arguments of the type `tk.Path`. Of a text, a job could not know who makes the file, nor that it changes
    with the file.
    """

    @classmethod
    def hash(cls, kwargs: Mapping[str, Any]) -> str:
        """:raises ConfigError: for a text in place of a `tk.Path`"""
        for name, parameter in inspect.signature(cls.__init__).parameters.items():
            if "tk.Path" in str(parameter.annotation) and "str" not in str(parameter.annotation):
                _check(kwargs.get(name), f"{cls.__name__}: {name}")
        return super().hash(dict(kwargs))


def _check(value: object, where: str) -> None:
    if isinstance(value, str):
        raise ConfigError(
            f"{where}: found the text {value!r:.80}, expected tk.Path({value!r:.80}), or an output of a job"
        )
    if isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _check(item, f"{where}[{number}]")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check(item, f"{where}[{key!r}]")
