"""Reads the three formats of RETURNN config files: Python, JSON with comments, and lines of `key value`."""

from __future__ import annotations

import builtins
import json
import re
import sys
import traceback
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from boulder.errors import BoulderError, ConfigError
from boulder.returnn.config_object import Config
from boulder.returnn.surroundings import MODULE_NAME, Surroundings

_MAX_FILES = 100


def read_into(surroundings: Surroundings, file: Path) -> None:
    """
    Reads a file into the config of the surroundings, which must be entered.

    :raises ConfigError: names file and line
    """
    config = surroundings.config
    text = _read(file)
    config.load_file = lambda name: read_into(surroundings, Path(name))
    config.files.append(str(file))
    if len(config.files) > _MAX_FILES:
        raise ConfigError(f"{file}: found more than {_MAX_FILES} files that include each other, expected an end")
    if text.lstrip().startswith("#!") or file.suffix == ".py":
        execute(surroundings, file, text)
    elif text.lstrip().startswith("{"):
        config.update(_parse_json(file, text))
    else:
        _read_lines(surroundings, file, text)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: expected a text in UTF-8, found {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None


def execute(surroundings: Surroundings, file: Path, text: str) -> None:
    """
    Executes Python code in the namespace of the config. The surroundings must be entered.

    :param file: for messages
    :raises ConfigError: names file and line
    """
    config = surroundings.config
    package, root = _package(file)
    if "__builtins__" in config.typed_dict:  # another config loads this one
        namespace = config.typed_dict
    else:
        module = types.ModuleType(f"{package}.{file.stem}" if package else MODULE_NAME)
        # The options are the globals, so that functions see every change, and `config.set` defines a global.
        namespace = vars(module)
        namespace.update(config.typed_dict)
        config.typed_dict = namespace
        sys.modules[module.__name__] = surroundings.modules[module.__name__] = module
    # In RETURNN, configs belong to its package, so that `from .Util import …` works.
    namespace |= {"config": config, "__file__": str(file), "__package__": package or "returnn"}
    namespace["__builtins__"] = vars(builtins) | {"__import__": _importer(surroundings)}
    if package:
        sys.path.insert(0, str(root))
    start = len(text) - len(text.lstrip())
    code_text = "\n" * text.count("\n", 0, start) + text[start:]  # stripped as in RETURNN; keeps line numbers
    try:
        if not package:
            __import__("returnn")  # the stand-in, for relative imports
        exec(compile(code_text, str(file), "exec", dont_inherit=True), namespace)
    except (Exception, SystemExit) as error:
        folders: list[str | Path] = [*surroundings.path, *surroundings.repositories.folders.values()]
        raise ConfigError(_located(error, file, folders)) from error


def _importer(surroundings: Surroundings) -> Callable:
    """:return: `__import__` for functions of a config, which may import modules whenever they are called"""

    def __import__(*args: Any, **kwargs: Any) -> types.ModuleType:
        with surroundings.entered():
            return builtins.__import__(*args, **kwargs)

    return __import__


def _package(file: Path) -> tuple[str, Path]:
    """:return: the package of a .py file, or "", and the folder from which Python imports that package"""
    folder = file.parent
    names: list[str] = []
    while file.suffix == ".py" and (folder / "__init__.py").exists():
        names.insert(0, folder.name)
        folder = folder.parent
    return ".".join(names), folder


def _located(error: BaseException, file: Path, folders: list[str | Path]) -> str:
    """:return: `FILE, line N: Type: text`, for the innermost line of the user's code"""
    text = " ".join(str(error).split())
    what = text if isinstance(error, BoulderError) else f"{type(error).__name__}: {text}"
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}: {type(error).__name__}: {' '.join(str(error.msg).split())}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if any(Path(frame.filename).is_relative_to(folder) for folder in folders)]
    libraries = ("site-packages", "dist-packages", str(Path(__file__).parent))
    own = [frame for frame in own if not any(part in frame.filename for part in libraries)]
    where = f"{own[-1].filename}, line {own[-1].lineno}" if own else str(file)
    return f"{where}: {what}"


_JSON_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|/\*.*?\*/|//[^\n]*', re.DOTALL)


def _parse_json(file: Path, text: str) -> dict:
    def without_comment(match: re.Match) -> str:
        token = match.group()
        return token if token.startswith('"') else "\n" * token.count("\n") or " "

    try:
        return json.loads(_JSON_TOKEN.sub(without_comment, text))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{file}, line {error.lineno}: JSONDecodeError: {error.msg}") from None


def _read_lines(surroundings: Surroundings, file: Path, text: str) -> None:
    config: Config = surroundings.config
    for number, line in enumerate(text.splitlines(), 1):
        parts = line.partition("#")[0].strip().split(None, 1)
        if not parts:
            continue
        if len(parts) == 1:
            raise ConfigError(f"{file}, line {number}: found {parts[0]!r}, expected 'key value'")
        key, value = parts
        if key != "include":
            config.add_line(key, value)
            continue
        for name in value.split(","):
            # RETURNN resolves the name from the current directory
            candidates = [Path(name.strip()), file.parent / name.strip()]
            found = next((path for path in candidates if path.is_file()), None)
            if found is None:
                raise ConfigError(f"{file}, line {number}: include: found no file {name.strip()!r}")
            read_into(surroundings, found)
