"""Names of configs, which all commands read here.

`config/g2p.demo` is the function `demo` in config/g2p.py, as in Sisyphus, and `config/g2p.py` its function `py`. The name of a
RETURNN config file is its path. Both may have arguments in parentheses.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import jobs
from boulder.awaited import advice_about
from boulder.errors import BoulderError, ConfigError, nearest
from jobs.commands.config_arguments import by_position, called, parse_arguments, split_name
from jobs.commands.config_kind import defined_names, is_returnn_config
from jobs.commands.system_error import OF_THE_MACHINE

_SETUP = Path("config/returnn.py")
"""Trains a RETURNN config file. A folder that has no file of this name uses Boulder's."""
_EXPECTED = "expected FILE.FUNCTION, e.g. config/g2p.demo, or a RETURNN config file"


@dataclass(frozen=True)
class ConfigName:
    """
    :param text: as it was written
    :param file: relative to the current directory where it is inside
    :param function: None: the file is a RETURNN config; "": none was named
    """

    text: str
    file: Path
    function: str | None


def check_folder() -> None:
    """:raises BoulderError: if the current directory is not one that Sisyphus can run in"""
    if not os.path.exists("settings.py"):
        above = [folder for folder in Path.cwd().parents if (folder / "settings.py").exists()]
        where = f"{above[0]}, which has it" if above else f"a folder that has it, with config/, such as {jobs.ROOT}"
        raise BoulderError(f"there is no settings.py in {os.getcwd()}; change to {where}")


def find_config(name: str) -> ConfigName:
    """
    Finds the file. Nothing is imported.

    :param name: of a config of Sisyphus: `config/g2p.demo`, `config.g2p.demo`, `config/g2p.py`, `config/g2p.demo(3)`, or with an
        absolute path; or the path of a RETURNN config file
    :raises ConfigError: if there is no such file, or if it is not clear which is meant
    """
    where, _ = split_name(name)
    path = _from_here(where)
    if path.is_file():
        if is_returnn_config(path):
            _check_no_function_either(name, where, path)
            return ConfigName(name, path, None)
        return _of_sisyphus(name, path, "py")
    module, _, function = str(path).rpartition(".")
    for stem, of_stem in ((module, function), (str(path), "")):
        file = Path(f"{stem if path.is_absolute() else stem.replace('.', '/')}.py")
        if stem and (file.is_file() or file == _SETUP):
            return _of_sisyphus(name, file, of_stem)
    raise ConfigError(f"config {where!r}: {_about_missing(where, path)}")


def check_config_name(name: str) -> str:
    """
    Imports the config's module, so that a wrong name gives the nearest right one rather than a traceback.

    :param name: see `find_config`; arguments may have keywords
    :return: the name for Sisyphus, which knows no keywords: arguments by position. For a RETURNN config file, that of the
        function `setup` in config/returnn.py, which trains it
    :raises ConfigError: if there is no such file or function, or if it has other parameters
    """
    found = find_config(name)
    given, keywords = parse_arguments(name)
    if found.function is None:
        if given:
            raise ConfigError(f"config {name!r}: found {given[0]!r}, expected keywords, such as {found.file}(cpu=2)")
        found, given = ConfigName(name, _SETUP, "setup"), [str(found.file)]
    module = _import(found)
    function = found.function or _only_function(found, module)
    known = _functions(module)
    if not callable(value := getattr(module, function, None)):
        near = nearest(function, known)
        calls = ", ".join(_calls(found, module))
        there = "" if near else f", expected one of {calls}" if calls else ", nor any other"
        raise ConfigError(f"config {name!r}: {found.file} has no function {function!r}{there}{near}")
    of_sisyphus = f"{found.file.with_suffix('')}.{function}"
    if not given and not keywords and not split_name(name)[1] and not _needs_arguments(value):
        return of_sisyphus
    return called(of_sisyphus, by_position(name, value, given, keywords), {})


def search_name(name: str, checkpoint: str, options: Mapping[str, Any]) -> str:
    """
    :param name: of a RETURNN config file
    :param checkpoint: see `network_of` in config/returnn.py
    :param options: further arguments of `search` there
    :return: the name of the config of Sisyphus that decodes with it
    :raises ConfigError: for a config of Sisyphus
    """
    found = find_config(name)
    if found.function is not None:
        raise ConfigError(
            f"config {name!r}: is a config of Sisyphus, which lays out its searches itself (docs/search.md); expected a RETURNN "
            "config file, or the command `boulder run`"
        )
    _, keywords = parse_arguments(name)
    of_search = {"checkpoint": int(checkpoint) if checkpoint.isdigit() else checkpoint, **options}
    return called(f"{_SETUP.with_suffix('')}.search", [str(found.file)], keywords | of_search)


@contextlib.contextmanager
def errors_of_config(name: str) -> Iterator[None]:
    """
    Context in which the code of a config runs.

    :param name: of the config
    :raises ConfigError: in place of any exception that is no BoulderError, with its message and the line in the config
    :raises OSError: outside the config's code, for a full disk and the like
    """
    try:
        yield
    except (BoulderError, KeyboardInterrupt):
        raise
    except SystemExit as left:
        if not (own := _frames_of_configs(left)):
            raise
        text = f"it ends the program ({left.code!r:.60}), expected an exception if something is wrong"
        raise ConfigError(f"config {name!r}: {_place(own[-1])}: {text}") from left
    except SyntaxError as error:
        raise ConfigError(f"config {name!r}: {error.filename}, line {error.lineno}: {error.msg}") from error
    except Exception as error:
        own = _frames_of_configs(error)
        if not own and isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
            raise  # no fault of the config
        where = _place((own or traceback.extract_tb(error.__traceback__))[-1])
        text = " ".join(str(error).split()) + advice_about(error)
        raise ConfigError(f"config {name!r}: {where}: {type(error).__name__}: {text}") from error


def _frames_of_configs(error: BaseException) -> list[traceback.FrameSummary]:
    """:return: the calls in files below config/ that led to an exception"""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame for frame in frames if Path(frame.filename).is_relative_to(Path("config").absolute())]


def _place(frame: traceback.FrameSummary) -> str:
    return f"{os.path.relpath(frame.filename)}, line {frame.lineno}"


def _from_here(where: str) -> Path:
    """:return: the path, relative to the current directory where it is inside; links to files are kept"""
    path = Path(os.path.abspath(where))
    for base in (Path.cwd(), Path(os.environ.get("PWD", "/nowhere"))):  # which may have links
        if path.is_relative_to(base) and base.exists() and base.samefile(Path.cwd()):
            return path.relative_to(base)
    resolved = path.parent.resolve() / path.name
    return resolved.relative_to(Path.cwd()) if resolved.is_relative_to(Path.cwd()) else path


def _of_sisyphus(name: str, file: Path, function: str) -> ConfigName:
    """:raises ConfigError: if Sisyphus cannot import the file"""
    above = [folder for folder in file.absolute().parents if (folder / "settings.py").exists()]
    if file.is_absolute() or (above and above[0] != Path.cwd()):
        where = f"change to {above[0]}" if above else f"expected a file in {Path.cwd()}"
        raise ConfigError(f"config {name!r}: Sisyphus imports configs from the current directory; {where}")
    for part in file.with_suffix("").parts:
        if not part.isidentifier():
            raise ConfigError(
                f"config {name!r}: Python cannot import {part!r}, expected a name of letters, digits and _"
            )
    return ConfigName(name, file, function)


def _check_no_function_either(name: str, where: str, path: Path) -> None:
    """:raises ConfigError: if FILE.FUNCTION is the name of a function, too, and no path begins with `./` or `/`"""
    module, function = path.with_suffix(".py"), path.suffix.removeprefix(".")
    if where.startswith(("./", "../", "/")) or path.suffix in ("", ".py") or not module.is_file():
        return
    if function in defined_names(module.read_text(encoding="utf-8", errors="replace")):
        dotted = str(path).replace("/", ".")
        raise ConfigError(
            f"config {name!r}: is a file, and {module} has a function {function!r}; expected ./{path} for the file, or "
            f"{dotted} for the function"
        )


def _about_missing(where: str, path: Path) -> str:
    """:return: a message on a file that does not exist"""
    if path.is_dir():
        inside = sorted(str(file) for file in path.iterdir() if file.suffix in (".py", ".config"))
        return f"is a folder, {f'expected a file in it: {_some(inside)}' if inside else _EXPECTED}"
    stem = where.removesuffix(".py") if where.endswith(".py") else where.rpartition(".")[0]
    looks_like_file = path.suffix in (".config", ".json") or not stem
    if looks_like_file:
        there = sorted(str(file) for file in path.parent.glob("*.*")) if path.parent.is_dir() else []
        there = [file for file in there if file.endswith((".config", ".json", ".py"))]
        expected = "" if stem else f", {_EXPECTED}"
        return f"there is no such file{expected}{nearest(str(path), [*there, *_modules()])}"
    beside = [str(file) for file in path.parent.glob("*.config")] if path.suffix != ".py" else []
    if near := nearest(str(path), beside):
        return f"there is no such file{near}"
    if not Path("config").is_dir():
        return f"{stem}.py: there is no folder config/ here; change to the folder that has it"
    return f"{stem}.py: there is no such file{nearest(stem, _modules())}"


def _modules() -> list[str]:
    return sorted(str(file.with_suffix("")) for file in Path("config").rglob("*.py"))


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (", …" if len(names) > most else "")


def _import(found: ConfigName) -> ModuleType:
    name = ".".join(found.file.with_suffix("").parts)
    with errors_of_config(found.text):
        if found.file == _SETUP and not _SETUP.exists() and name not in sys.modules:
            return _import_own(name)
        return importlib.import_module(name)


def _import_own(name: str) -> ModuleType:
    """:return: Boulder's own config, as if it were in the current directory"""
    file = jobs.ROOT / _SETUP
    spec = importlib.util.spec_from_file_location(name, file)
    if not file.exists() or spec is None or spec.loader is None:
        raise ConfigError(
            f"a RETURNN config is trained by Boulder's {_SETUP}, which is neither here nor in {jobs.ROOT}"
        )
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _functions(module: ModuleType) -> list[str]:
    return [key for key, value in vars(module).items() if callable(value) and value.__module__ == module.__name__]


def _only_function(found: ConfigName, module: ModuleType) -> str:
    """
    :return: the function of a name without one
    :raises ConfigError: if there are several to choose from
    """
    calls = _calls(found, module)
    if calls == [f"{found.file.with_suffix('')}.py"]:
        return "py"
    there = f"one of {', '.join(calls)}" if calls else f"a function in {found.file} that takes no arguments"
    raise ConfigError(f"config {found.text!r}: names no function, expected {there}")


def _calls(found: ConfigName, module: ModuleType) -> list[str]:
    """:return: names of the functions that a command can call"""
    public = {name: getattr(module, name) for name in _functions(module) if not name.startswith("_")}
    functions = {name: value for name, value in public.items() if inspect.isfunction(value)}
    without = [name for name, function in functions.items() if not _needs_arguments(function)]
    stem = found.file.with_suffix("")
    return [f"{stem}.{name}" for name in without] or [f"{stem}.{name}(…)" for name in functions]


def _needs_arguments(function: object) -> bool:
    try:
        inspect.signature(function).bind()  # type: ignore[arg-type]
    except TypeError:
        return True
    except ValueError:  # it does not tell its parameters
        return False
    return False
