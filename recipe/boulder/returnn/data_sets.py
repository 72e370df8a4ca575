"""The data sets of a RETURNN config as descriptions, see `boulder.data.description`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from boulder.data.dataset import Dataset, dataset_classes
from boulder.errors import ConfigError, nearest

_WITHOUT_EFFECT = ("use_cache_manager", "name")


def data_description(
    value: object, where: str, folder: Path, as_path: Callable[[str], object] = str
) -> dict[str, Any] | None:
    """
    :param value: of an option such as `train`
    :param where: the option, for messages
    :param folder: that relative paths start from
    :param as_path: makes a path object of a file
    :return: description of the data set, with absolute paths; None if there is no such data set
    :raises ConfigError: for a class that is not registered, or an unknown option that would change the data
    """
    if not value:
        return None
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where}: found {value!r:.60}, expected a dict such as {{'class': 'HDFDataset'}}")
    name = value.get("class")
    cls = dataset_classes().get(str(name))
    if cls is None:
        expected = " or ".join(map(repr, dataset_classes()))
        raise ConfigError(f"{where}: a data set of class {name!r} cannot be read, expected {expected}")
    options = {}
    for option, found in value.items():
        if option in cls.options():
            if found is not None and (found != "" or option != "seq_ordering"):
                options[option] = found
        elif not _is_without_effect(option, found):
            raise ConfigError(
                f"{where}: Boulder does not support the option {option!r} of {name} yet"
                + nearest(option, cls.options())
            )
    return {"class": name} | _absolute(options, cls, folder, as_path)


def data_of_phase(
    options: Mapping[str, Any], describe: Callable[[object, str], Any], where: str = ""
) -> dict[str, Any]:
    """
    :param options: of a config or a `#config`; in RETURNN, `train` and `dev` may also be among its `eval_datasets`
    :param describe: `data_description`, given an option's value and name
    :param where: prefix of the name of an option, for messages
    :return: descriptions for those of "train", "dev", "eval" and "eval_datasets" that `options` has
    :raises ConfigError: see `data_description`
    """
    found = {key: describe(options[key], f"{where}{key!r}") for key in ("train", "dev", "eval") if key in options}
    if "eval_datasets" not in options:
        return found
    further = options["eval_datasets"] or {}
    if not isinstance(further, Mapping):
        raise ConfigError(f"{where}'eval_datasets': found {further!r:.60}, expected a dict: name → data set")
    named = {name: describe(value, f"{where}'eval_datasets': {name!r}") for name, value in further.items()}
    own = {key: named.pop(key) for key in ("train", "dev") if key in named}
    return found | own | {"eval_datasets": named}


def _is_without_effect(option: str, value: object) -> bool:
    return option in ("class", *_WITHOUT_EFFECT) or (option == "partition_epoch" and value in (1, None))


def _absolute(
    options: dict[str, Any], cls: type[Dataset], folder: Path, as_path: Callable[[str], object]
) -> dict[str, Any]:
    """:return: the options, with path objects of absolute paths"""
    result = dict(options)
    for option, value in options.items():
        if cls.options()[option].metadata.get("paths"):
            files = value if isinstance(value, list | tuple) else [value]
            result[option] = [_path(file, folder, as_path) for file in files]
    return result


def _path(file: object, folder: Path, as_path: Callable[[str], object]) -> object:
    is_path_object = hasattr(file, "get_path")  # of Sisyphus: it knows the job that makes the file
    return as_path(str(folder / file)) if isinstance(file, str | os.PathLike) and not is_path_object else file
