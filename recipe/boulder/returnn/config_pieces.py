"""`load_pieces`: a RETURNN config that is no file, but pieces of code and values in a Sisyphus set-up."""

from __future__ import annotations

import hashlib
import linecache
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from boulder.errors import ConfigError, named
from boulder.returnn.config import ReturnnConfig
from boulder.returnn.config_file import execute
from boulder.returnn.surroundings import Surroundings


@dataclass(frozen=True)
class Code:
    """
    A value that is given as an expression of the config.

    :param text: e.g. "numpy.linspace(0.1, 1, 10)"
    """

    text: str


Piece: TypeAlias = tuple[str, str | Mapping[str, Any]]
"""A name for messages, and code, or the values of options, which may contain `Code`"""


def load_pieces(name: str, pieces: Sequence[Piece]) -> ReturnnConfig:
    """
    Executes the pieces in one namespace, as if they were the text of a config file. The code is trusted.

    :param name: of the config, for messages
    :param pieces: in order; relative paths in them start from the current directory
    :raises ConfigError: for any error in the code
    :raises ScheduleError: for an invalid `pretrain`
    """
    texts = [piece for _, piece in pieces if isinstance(piece, str)]
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:8]
    folder = Path.cwd() / f"{name.replace('/', '.')}.{digest}"  # does not exist: nothing lies beside the config
    surroundings = Surroundings(folder / "config")
    with surroundings.entered():
        _execute(surroundings, folder / "begin", "")
        for title, piece in pieces:
            if isinstance(piece, str):
                _execute(surroundings, folder / title, piece)
            else:
                namespace = surroundings.config.typed_dict
                namespace.update({key: _evaluated(value, namespace, key) for key, value in piece.items()})
    file = Path(name.replace("/", "."))
    with named(str(file)):
        return ReturnnConfig(file, surroundings.config, surroundings)


def _execute(surroundings: Surroundings, file: Path, text: str) -> None:
    # where `inspect` finds the sources of functions, which enter their hashes
    linecache.cache[str(file)] = (len(text), None, text.splitlines(keepends=True), str(file))
    surroundings.config.files.append(str(file))
    execute(surroundings, file, text)


def _evaluated(value: Any, namespace: dict, key: str) -> Any:
    if isinstance(value, Code):
        try:
            return eval(value.text, namespace)
        except Exception as error:
            raise ConfigError(f"{key!r}: {value.text!r:.80}: {type(error).__name__}: {error}") from error
    if isinstance(value, dict):
        return {
            _evaluated(name, namespace, key): _evaluated(item, namespace, f"{key}/{name}")
            for name, item in value.items()
        }
    if type(value) in (list, tuple):
        return type(value)(_evaluated(item, namespace, key) for item in value)
    return value
