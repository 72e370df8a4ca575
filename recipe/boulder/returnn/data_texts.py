"""Data sets that a config gives as a text or a function: `train = "a.hdf,b.hdf"`, `"config:train_data"`, `"LmDataset:…"`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boulder.errors import ConfigError


def data_dict(value: object, where: str, options: Mapping[str, Any], namespace: dict[str, Any]) -> object:
    """
    :param value: of an option such as `train`
    :param where: the option, for messages
    :param options: of the config
    :param namespace: globals of the config, for expressions
    :return: the dict that RETURNN makes of a text or a function; other values unchanged
    :raises ConfigError: if an expression or the function fails
    """
    if isinstance(value, list | tuple) and value and all(isinstance(item, str) for item in value):
        value = ",".join(value)  # RETURNN splits the texts of a config of lines at commas
    if isinstance(value, str) and value:
        return data_dict(_of_text(value.strip(), where, options, namespace), where, options, namespace)
    if callable(value) and not isinstance(value, type):
        try:
            return data_dict(value(), where, options, namespace)
        except Exception as error:
            raise _failed(where, "the function", error) from error
    return value


def _of_text(text: str, where: str, options: Mapping[str, Any], namespace: dict[str, Any]) -> object:
    name, colon, rest = text.partition(":")
    try:
        if text.startswith("{"):
            return eval(text)
        if name == "config" and colon:
            return eval(rest, namespace)
        if name.isidentifier() and colon and name != "sprint":
            return {"class": name} | eval(f"dict({rest})")
    except Exception as error:
        raise _failed(where, f"{text!r:.60}", error) from error
    if not (name == "sprint" and colon):
        return {"class": "HDFDataset", "files": [file for file in text.split(",") if file]}
    program = options.get("sprint_trainer_exec_path")
    if not program:
        raise ConfigError(f"{where}: found {text!r:.60}, but no 'sprint_trainer_exec_path'")
    return {"class": "ExternSprintDataset", "sprintConfigStr": rest, "sprintTrainerExecPath": program}


def _failed(where: str, what: str, error: Exception) -> ConfigError:
    return ConfigError(f"{where}: {what}: {type(error).__name__}: {' '.join(str(error).split())}")
