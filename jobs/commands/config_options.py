"""Options of commands that are arguments of a config: `--train a.hdf` in place of `my.config(train='a.hdf')`."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from boulder.errors import ConfigError
from jobs.commands.config_arguments import with_keywords

_PANEL = "Arguments of a RETURNN config file, or of the function in FILE.FUNCTION"


def _option(name: str, kind: Any, text: str, **constraints: Any) -> inspect.Parameter:
    option = typer.Option(f"--{name}", help=text, rich_help_panel=_PANEL, **constraints)
    where = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, where, default=None, annotation=Annotated[kind | None, option])


_DATA = "a file, or a dict of a data set in Python's notation; several times for several HDF files"
_PARAMETERS = [
    _option("train", list[str], f"data to train on in place of the config's: {_DATA}"),
    _option("dev", list[str], "data to score in place of the config's; 'none' for none"),
    _option("cpu", int, "cores of each training job, per node", min=1),
    _option("mem", float, "memory per node, in GB"),
    _option("time", float, "time limit of a training job, in hours"),
    _option("gpus", int, "number of GPUs per node", min=1),
    _option("nodes", int, "number of nodes", min=1),
]


def takes_config_options(command: Callable[..., None]) -> Callable[..., None]:
    """
    :param command: with a parameter `config`, one name or several
    :return: the command with these options, which become arguments in the names
    """
    signature = inspect.signature(command, eval_str=True)

    @functools.wraps(command)
    def wrapped(**given: Any) -> None:
        options = config_arguments({parameter.name: given.pop(parameter.name) for parameter in _PARAMETERS})
        command(**(given | {"config": _named(given["config"], options)}))

    own = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in signature.parameters.values()]
    parameters = [*own, *_PARAMETERS]
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapped


def _named(config: Any, options: Mapping[str, Any]) -> Any:
    if isinstance(config, str):
        return with_keywords(config, options)
    if not config and options:
        raise ConfigError(f"--{next(iter(options))}: sets an argument of a config, expected the config's name, too")
    return config and [with_keywords(name, options) for name in config]


def config_arguments(options: Mapping[str, Any]) -> dict[str, Any]:
    """
    :param options: name → value of the command line; None and [] for those that were not given
    :return: name → argument
    :raises ConfigError: for a data set that is no Python
    """
    given = {name: value for name, value in options.items() if value is not None and value != []}
    return {name: _data(name, value) if isinstance(value, list | tuple) else value for name, value in given.items()}


def _data(name: str, values: Sequence[str]) -> Any:
    """:return: a path, a list of paths, a dict, or [] for no data"""
    if list(values) == ["none"]:
        return []
    if len(values) > 1:
        return list(values)
    if not values[0].lstrip().startswith("{"):
        return values[0]
    try:
        return ast.literal_eval(values[0])
    except (SyntaxError, ValueError):
        raise ConfigError(
            f"--{name}: found {values[0]!r:.60}, expected a path, or a dict in Python's notation"
        ) from None
