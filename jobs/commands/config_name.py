"""Names of configs, in Sisyphus's notation: `config/g2p.demo` is the function `demo` in config/g2p.py."""

import contextlib
import importlib
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

from boulder.errors import BoulderError, ConfigError, nearest


def check_folder() -> None:
    """:raises BoulderError: if the current directory is not one that Sisyphus can run in"""
    if not os.path.exists("settings.py"):
        raise BoulderError(f"there is no settings.py in {os.getcwd()}; change to the folder that has it, with config/")


def check_config_name(name: str) -> None:
    """
    Import the config's module, so that a wrong name gives the nearest right one rather than a traceback.

    :param name: `config/g2p.demo`, `config/g2p.py` for the function `py`, or `config/g2p.demo(3)`
    :raises ConfigError: if there is no such file or function
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
    if not callable(getattr(module, function, None)):
        raise ConfigError(f"config {name!r}: {file} has no function {function!r}{nearest(function, known)}")


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
        text = " ".join(str(error).split())
        where = f"{os.path.relpath(frame.filename)}, line {frame.lineno}"
        raise ConfigError(f"config {name!r}: {where}: {type(error).__name__}: {text}") from error


def _example(name: str) -> str:
    return f"{name}.py" if Path(f"{name}.py").exists() else "config/g2p.demo"
