"""The starting point of a RETURNN config's training: the checkpoints that it takes parameters from, and its first epoch.

RETURNN continues from its own files under `model`, if there are any. Boulder has none there: a job continues by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from boulder.errors import ConfigError, nearest
from boulder.returnn.checkpoint import epoch_of, is_boulder
from boulder.returnn.paths import absolute_path
from boulder.returnn.source import Source
from boulder.training.starting import Source as Parameters

_TAKEN = ("prefix", "ignore_missing", "ignore_params", "ignore_params_prefixes", "var_name_mapping")
_OF_PRELOAD = ("filename", "init_for_train", *_TAKEN)
_WITHOUT_EFFECT = ("checkpoint_key",)  # RETURNN reads it with PyTorch only
_EXAMPLE = "{'filename': …, 'init_for_train': True}"


def start_from(config: Source, as_path: Callable[[str], Any] = str) -> list[dict[str, Any]] | None:
    """
    :param as_path: makes a path object of an absolute path
    :return: the argument `start_from` of a pipeline; None: the training starts from initial values
    :raises ConfigError: for a wrong option, and where RETURNN would need files of its own training
    """
    load, imported = _file(config, "load"), _file(config, "import_model_train_epoch1")
    load_epoch = config.config.int("load_epoch", -1) or 0
    first_epoch_only = _starts_at_1(config)
    if load_epoch > 0 and not load:
        raise ConfigError(
            f"'load_epoch': found {load_epoch} without 'load', which names a file of RETURNN's own training; "
            f"expected 'load', the path of the checkpoint of epoch {load_epoch}"
        )
    if load and (first_epoch_only or not imported):
        epoch = 0 if first_epoch_only else _epoch_of_load(config, load, load_epoch)
        sources = [whole(config, load, as_path) | ({"epoch": epoch} if epoch else {})]
        return sources if epoch else [*preloads(config, as_path), *sources]
    return [*preloads(config, as_path), *([whole(config, imported, as_path)] if imported else [])] or None


def preloads(config: Source, as_path: Callable[[str], Any] = str, *, for_training: bool = True) -> list[dict[str, Any]]:
    """
    :param as_path: see `start_from`
    :param for_training: the entries with `init_for_train`, which concern the first epoch; False: the others, which concern
        other tasks than training
    :return: the fields of a `boulder.training.starting.Source` for each entry of `preload_from_files`, in RETURNN's order
    :raises ConfigError: for a wrong entry
    """
    entries = config.config.typed_value("preload_from_files", None) or {}
    if not isinstance(entries, Mapping):
        raise ConfigError(f"'preload_from_files': found {entries!r:.60}, expected a dict of name → {_EXAMPLE}")
    found = []
    for name, entry in sorted(entries.items(), key=lambda item: str(item[0])):
        where = f"preload_from_files[{name!r}]"
        _check_entry(entry, where)
        if bool(entry.get("init_for_train")) == for_training:
            taken = {key: entry[key] for key in _TAKEN if entry.get(key) is not None}
            source = {"checkpoint": _absolute(config, entry["filename"], as_path), **taken}
            Parameters.of(source, where)  # checks types
            found.append(source)
    return found


def _file(config: Source, option: str) -> Any:
    """:return: a path, or an object that stands for one; None if the option is not set"""
    found = config.config.opt_typed_value(option)
    if found and not _is_file(found):
        raise ConfigError(f"{option!r}: found {found!r:.60}, expected the path of a checkpoint")
    return found or None


def _is_file(value: object) -> bool:
    return isinstance(value, str | os.PathLike) or hasattr(value, "get_path")


def _check_entry(entry: object, where: str) -> None:
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where}: found {entry!r:.60}, expected a dict such as {_EXAMPLE}")
    if entry.get("custom_missing_load_func") is not None:
        raise ConfigError(
            f"{where}: Boulder does not support 'custom_missing_load_func', expected 'var_name_mapping' or 'ignore_missing'"
        )
    known = (*_OF_PRELOAD, *_WITHOUT_EFFECT, "custom_missing_load_func")
    for key in entry:
        if key not in known:
            expected = ", ".join(_OF_PRELOAD)
            raise ConfigError(f"{where}: there is no option {key!r}, only {expected}{nearest(str(key), known)}")
    if not entry.get("filename"):
        raise ConfigError(f"{where}: needs the option 'filename', the path of a checkpoint")
    if not _is_file(entry["filename"]):
        raise ConfigError(f"{where}: 'filename': found {entry['filename']!r:.60}, expected the path of a checkpoint")


def _starts_at_1(config: Source) -> bool:
    """
    :return: whether `start_epoch` is 1, so that `load` begins a new training instead of continuing that of the file
    :raises ConfigError: for another epoch
    """
    start = config.config.value("start_epoch", "auto")
    if str(start) not in ("auto", "1"):
        raise ConfigError(
            f"'start_epoch': found {start!r:.60}, expected 'auto' or 1; to continue another training after "
            "epoch N, give its checkpoint as 'load' and N as 'load_epoch'"
        )
    return str(start) == "1"


def _epoch_of_load(config: Source, load: Any, load_epoch: int) -> int:
    """:return: epoch after which the training continues; 0 if, as in RETURNN, nothing tells it"""
    if load_epoch > 0:
        return load_epoch
    path = os.fspath(_absolute(config, load, str))
    epoch = epoch_of(path)
    if epoch is None and is_boulder(path):
        raise ConfigError(
            f"'load': found {path!r}, which does not exist yet and whose name has no epoch, expected 'load_epoch' beside it; or, to "
            "begin a new training with its parameters, 'import_model_train_epoch1'"
        )
    return epoch or 0


def whole(config: Source, file: Any, as_path: Callable[[str], Any]) -> dict[str, Any]:
    """:return: source of all parameters and of the number of steps"""
    source = {"checkpoint": _absolute(config, file, as_path), "use_importers": True, "keep_step": True}
    ignore_missing = config.config.bool("load_ignore_missing_vars", False)
    return source | ({"ignore_missing": True} if ignore_missing else {})


def _absolute(config: Source, file: Any, as_path: Callable[[str], Any]) -> Any:
    return absolute_path(file, config.file.absolute().parent, as_path)
