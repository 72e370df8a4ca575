"""Applies the `#config` of a phase to the functions in its network.

In RETURNN, the functions of a network run with the overrides of its `#config` set. Code that builds networks, the
construction algo and `WrapEpochValue`s, runs before any override. Here, each phase gets its own copy of a function that
may read an overridden option, with the overridden globals. So the function differs, in its hash as well, in exactly these
phases, and no override has to be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from typing import Any

from boulder.errors import ConfigError, nearest
from boulder.returnn.config_functions import ConfigFunction
from boulder.returnn.config_object import Config
from boulder.returnn.options_read import OptionsRead, options_read
from boulder.schedule import Plan
from boulder.schedule.functions import FunctionByValue
from boulder.schedule.labels import index_label
from boulder.training.keep import KEEP_KEYS
from boulder.training.learning_rate import learning_rate_keys
from boulder.training.training_options import TrainingOptions


def known_options() -> tuple[str, ...]:
    """:return: the training options, which a phase may override even if the config does not define them"""
    return (*(field.name for field in fields(TrainingOptions)), *learning_rate_keys(), *KEEP_KEYS)


def check_keys(plan: Plan, config: Config) -> None:
    """:raises ConfigError: for an override of an option that neither the config defines nor Boulder knows"""
    for number, phase in enumerate(plan.phases):
        for key in phase.config:
            if config.has(key) or key in (*known_options(), "train", "dev", "eval", "eval_datasets"):
                continue
            options = [key for key in (*config.typed_dict, *config.dict) if not key.startswith("__")]
            raise ConfigError(
                f"phase {number} ({index_label(phase.index)}): '#config' has {key!r}, which neither the config defines nor Boulder knows"
                + nearest(key, {*known_options(), *options})
            )


class FunctionsOfPhases:
    """Binds the functions of a config to the overrides of phases. Phases keep sharing parts that no override affects."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._reads: dict[int, tuple[object, OptionsRead]] = {}  # by id; holds the object, so that its id stays unique

    def bound(self, value: Any, overrides: Mapping[str, object], memo: dict[tuple, tuple]) -> Any:
        """
        :param value: a net dict
        :param overrides: overrides of the phase, already set in the config during this call
        :param memo: filled here, for networks that share layers
        :return: the net dict, with a bound copy of each function that reads an overridden option
        """
        if isinstance(value, dict | list | tuple):
            read = self._options_read(value)
            seen = {key: overrides[key] for key in sorted(read.among(overrides))}
            if not seen and not read.asks:
                return value
            key = (id(value), *(item for pair in seen.items() for item in (pair[0], _Held(pair[1]))))
            if key not in memo:
                memo[key] = (value, self._bound_items(value, overrides, memo))
            return memo[key][1]
        if not callable(value):
            return value
        read = self._options_read(value)
        if read.asks:
            value = self._with_config(value, None if read.any else read.names)
        # Keeps the captured values of this moment, because its globals will change.
        return FunctionByValue(value).settled() if read.among(overrides) else value

    def _bound_items(self, value: Any, overrides: Mapping, memo: dict) -> Any:
        if isinstance(value, dict):
            return {key: self.bound(item, overrides, memo) for key, item in value.items()}
        return type(value)(self.bound(item, overrides, memo) for item in value)

    def _with_config(self, function: Callable, names: Collection[str] | None) -> ConfigFunction:
        config = self._config.plain(None if names is None else set(names))
        if isinstance(function, ConfigFunction):
            return ConfigFunction(function.function, function.modules, config)
        return ConfigFunction(function, config=config)

    def _options_read(self, value: object) -> OptionsRead:
        """:return: options that any function in `value` reads"""
        if not isinstance(value, dict | list | tuple) and not callable(value):
            return _NOTHING
        if id(value) not in self._reads:
            self._reads[id(value)] = (value, _NOTHING)  # contains itself; the conversion to JSON raises the error
            self._reads[id(value)] = (value, self._read_by(value))
        return self._reads[id(value)][1]

    def _read_by(self, value: Any) -> OptionsRead:
        if not isinstance(value, dict | list | tuple):
            return options_read(value, self._config.typed_dict)
        items = [self._options_read(item) for item in (value.values() if isinstance(value, dict) else value)]
        items = [item for item in items if item is not _NOTHING]
        if not items:
            return _NOTHING
        names = frozenset().union(*(item.names for item in items))
        return OptionsRead(names, any(item.any for item in items), any(item.asks for item in items))


_NOTHING = OptionsRead()


class _Held:
    """Compares a value by identity and keeps it alive; overrides need not be hashable."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def with_functions_bound(
    plan: Plan, config: Config, with_overrides: Callable[[Mapping[str, object]], AbstractContextManager]
) -> Plan:
    """
    :param with_overrides: called with overrides; a context manager that sets them in the config
    :return: the plan, in which the functions of each phase see its overrides
    """
    functions, phases = FunctionsOfPhases(config), []
    memo: dict[tuple, tuple] = {}
    for phase in plan.phases:
        with with_overrides(phase.config):
            phases.append(replace(phase, network=functions.bound(phase.network, phase.config, memo)))
    return replace(plan, phases=tuple(phases))
