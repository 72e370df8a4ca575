"""Data sets of a config that RETURNN's own package reads, since Boulder has no reader for their class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boulder.data.of_returnn.returnn_description import returnn_description
from boulder.errors import ConfigError
from boulder.returnn.config_functions import ConfigFunction
from boulder.returnn.placeholders import Placeholder, last_name

_READ_BY_CLASSES = ("dataset_random_seed_offset",)
"""The options of a config that RETURNN's classes read, and that change their data."""

_ONLY = {"context_window": (None, 0, 1), "_num_shards": (None, 1), "_shard_index": (None, 0)}
"""Option of a data set → values with which Boulder's batches are RETURNN's."""


def _unchanged(function: Callable, _where: str) -> Callable:
    return function


@dataclass(frozen=True)
class ForeignData:
    """
    :param options: of the config
    :param folder: where relative paths start from
    :param with_config: (function, option) → the function with the modules and options of the config that it uses
    """

    options: Mapping[str, Any]
    folder: Path
    with_config: Callable[[Callable, str], Callable] = field(default=_unchanged)

    def described(self, value: Mapping[str, Any], where: str) -> dict[str, Any]:
        """
        :param value: dict for which `is_for_returnn`
        :param where: the option, for messages
        :return: description of a `ReturnnDataset`
        :raises ConfigError: for an option that only RETURNN's own batches honour
        """
        for option, harmless in _ONLY.items():
            if value.get(option) not in harmless:
                raise ConfigError(
                    f"{where}: {option!r}: found {value[option]!r:.60}; Boulder forms the batches by itself"
                )
        config = {key: self.options[key] for key in _READ_BY_CLASSES if self.options.get(key)}
        bound = self._bound(value, where, config)
        return returnn_description(bound, where, config, str(self.folder))

    def _bound(self, value: Any, where: str, config: dict[str, Any]) -> Any:
        """:param config: receives the options that functions and classes in the value ask for"""
        if isinstance(value, Mapping):
            return {key: self._bound(item, f"{where}: {key}", config) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._bound(item, where, config) for item in value)
        if not callable(value) or hasattr(value, "get_path"):
            return value
        function = self.with_config(value, where)
        if isinstance(function, ConfigFunction) and function.config is not None:
            asked = function.config
            config |= {key: ",".join(found) for key, found in asked.dict.items()} | asked.typed_dict
            function = ConfigFunction(function.function, function.modules) if function.modules else function.function
        return function


def with_class_names(value: Any) -> Any:
    """:return: a description, in which classes of RETURNN that a config has imported have become their names"""
    if isinstance(value, Mapping):
        return {
            key: last_name(item) if key == "class" and isinstance(item, Placeholder) else with_class_names(item)
            for key, item in value.items()
        }
    return type(value)(map(with_class_names, value)) if type(value) in (list, tuple) else value
