"""Names of configs, in Sisyphus's notation: `config/g2p.demo` is the function `demo` in config/g2p.py."""

import ast
import contextlib
import importlib
import inspect
import os
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from boulder.awaited import advice_about
from boulder.errors import BoulderError, ConfigError, nearest


def check_folder() -> None:
    """:raises BoulderError: if the current directory is not one that Sisyphus can run in"""
    if not os.path.exists("settings.py"):
        raise BoulderError(f"there is no settings.py in {os.getcwd()}; change to the folder that has it, with config/")


def check_config_name(name: str) -> str:
    """
    Import the config's module, so that a wrong name gives the nearest right one rather than a traceback.

    :param name: `config/g2p.demo`, `config/g2p.py` for the function `py`, `config/g2p.demo(3)`, or `config/g2p.demo(epochs=3)`
    :return: the name for Sisyphus, which knows no keywords: arguments by position
    :raises ConfigError: if there is no such file or function, or if it has other parameters
    """
    path, _, function = name.split("(")[0].rpartition(".")
    if not path:
        raise ConfigError(f"config {name!r}: expected FILE.FUNCTION, e.g. {_example(name)}")
    file = Path(f"{path}.py")
    if not file.exists():
        known = sorted(str(found.with_suffix("")) for found in Path("config").glob("*.py"))
        where = (
            "there is no folder config/ here; change to the folder that has it"
            if not known
            else "there is no such file"
        )
        raise ConfigError(f"config {name!r}: {file}: {where}{nearest(path, known)}")
    with errors_of_config(name):
        module = importlib.import_module(path.replace("/", "."))
    known = [key for key, value in vars(module).items() if callable(value) and value.__module__ == module.__name__]
    found = getattr(module, function, None)
    if not callable(found):
        raise ConfigError(f"config {name!r}: {file} has no function {function!r}{nearest(function, known)}")
    return _by_position(name, found) if "(" in name else name


@contextlib.contextmanager
def errors_of_config(name: str) -> Iterator[None]:
    """
    Context in which the code of a config runs.

    :param name: of the config
    :raises ConfigError: in place of any exception that is no BoulderError, with its message and the line in the config
    """
    try:
        yield
    except (BoulderError, KeyboardInterrupt, SystemExit):
        raise
    except SyntaxError as error:
        raise ConfigError(f"config {name!r}: {error.filename}, line {error.lineno}: {error.msg}") from error
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if Path(frame.filename).is_relative_to(Path("config").absolute())]
        frame = (own or frames)[-1]
        text = " ".join(str(error).split()) + advice_about(error)
        where = f"{os.path.relpath(frame.filename)}, line {frame.lineno}"
        raise ConfigError(f"config {name!r}: {where}: {type(error).__name__}: {text}") from error


def _by_position(name: str, function: Callable[..., Any]) -> str:
    """:return: the name with all arguments by position, if it has keywords"""
    where, _, text = name.partition("(")
    try:
        call: Any = ast.parse(f"f({text}", mode="eval").body
        given = [ast.literal_eval(argument) for argument in call.args]
        keywords = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError, AttributeError):
        raise ConfigError(
            f"config {name!r}: found arguments ({text}, expected Python literals, such as {where}('a.config', cpu=2)"
        ) from None
    if not keywords:
        return name
    signature = inspect.signature(function)
    for key in keywords:
        if key not in signature.parameters:
            known = ", ".join(signature.parameters)
            raise ConfigError(
                f"config {name!r}: there is no argument {key!r}, expected {known}{nearest(str(key), signature.parameters)}"
            )
    try:
        bound = signature.bind(*given, **keywords)
    except TypeError as error:
        raise ConfigError(f"config {name!r}: {error}") from None
    bound.apply_defaults()
    if bound.kwargs:
        raise ConfigError(f"config {name!r}: Sisyphus cannot set {', '.join(bound.kwargs)}, which has no position")
    return f"{where}({', '.join(map(repr, bound.args))})"


def _example(name: str) -> str:
    return f"{name}.py" if Path(f"{name}.py").exists() else "config/g2p.demo"
