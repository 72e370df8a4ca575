"""Applies the `#config` of a phase to the functions in its network.

In RETURNN, the functions of a network run with the overrides of its `#config` set. Code that builds networks, the
construction algo and `WrapEpochValue`s, runs before any override. Here, each phase gets its own copy of a function that
may read an overridden option, with the overridden globals. So the function differs, in its hash as well, in exactly these
phases, and no override has to be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from typing import Any

from boulder.errors import ConfigError, nearest
from boulder.returnn.config_functions import ConfigFunction
from boulder.returnn.config_object import Config, is_plain
from boulder.returnn.options_read import OptionsRead, options_read
from boulder.schedule import Plan
from boulder.schedule.functions import FunctionByValue
from boulder.schedule.labels import index_label
from boulder.training.device_options import DEVICE_KEYS
from boulder.training.keep import KEEP_KEYS
from boulder.training.learning_rate import learning_rate_keys
from boulder.training.phase_making import ALL_DATA
from boulder.training.training_options import TrainingOptions


def known_options() -> tuple[str, ...]:
    """:return: the training options, which a phase may override even if the config does not define them"""
    return (*(field.name for field in fields(TrainingOptions)), *learning_rate_keys(), *KEEP_KEYS)


def check_keys(plan: Plan, config: Config) -> None:
    """:raises ConfigError: for an override that the config does not define, as in RETURNN, and that is no training option"""
    for number, phase in enumerate(plan.phases):
        for key in phase.config:
            if config.has(key) or key in (*known_options(), *DEVICE_KEYS, *ALL_DATA):
                continue
            options = [key for key in (*config.typed_dict, *config.dict) if not key.startswith("__")]
            raise ConfigError(
                f"phase {number} ({index_label(phase.index)}): '#config' has {key!r}, which the config does not define, and which is no training option"
                + nearest(key, {*known_options(), *options})
            )


class FunctionsOfPhases:
    """Binds the functions of a config to the overrides of phases. Phases keep sharing parts that no override affects."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._reads: dict[
            tuple, tuple[object, OptionsRead]
        ] = {}  # by id; holds the object, so that its id stays unique
        self._functions: tuple = ()

    def bound(self, value: Any, overrides: Mapping[str, object], memo: dict[tuple, tuple], path: str = "") -> Any:
        """
        :param value: a net dict
        :param overrides: overrides of the phase, already set in the config during this call
        :param memo: filled here, for networks that share layers
        :param path: keys from the net dict to the value, for messages
        :return: the net dict, with a bound copy of each function that reads an overridden option
        :raises ConfigError: for a function that needs an option which the config lacks
        """
        # The overrides may replace functions, which read other options.
        self._functions = tuple((key, _Held(item)) for key, item in overrides.items() if not is_plain("", item))
        return self._bound(value, overrides, memo, path)

    def _bound(self, value: Any, overrides: Mapping[str, object], memo: dict[tuple, tuple], path: str) -> Any:
        if isinstance(value, dict | list | tuple):
            read = self._options_read(value)
            seen = {key: overrides[key] for key in sorted(read.among(overrides))}
            if not seen and not read.asks:
                return value
            key = (id(value), *(item for pair in seen.items() for item in (pair[0], _Held(pair[1]))))
            if key not in memo:
                memo[key] = (value, self._bound_items(value, overrides, memo, path))
            return memo[key][1]
        if not callable(value):
            return value
        read = self._options_read(value)
        for name in sorted(read.needed):
            if name not in self._config.typed_dict:
                raise self._lacks(name, path)
        if read.asks:
            value = self._with_config(value, None if read.any else read.asked)
        # Keeps the captured values of this moment, because its globals will change.
        return FunctionByValue(value, path).settled() if read.among(overrides) else value

    def _lacks(self, name: str, path: str) -> ConfigError:
        layer, _, option = path.rpartition("/")
        where = f"layer {layer!r}: {option!r}" if layer else repr(option)
        known = [known for known in self._config.typed_dict if not known.startswith("__")]
        return ConfigError(f"{where} asks for the option {name!r}, which the config lacks{nearest(name, known)}")

    def _bound_items(self, value: Any, overrides: Mapping, memo: dict, path: str) -> Any:
        if isinstance(value, dict):
            prefix = f"{path}/" if path else ""
            return {key: self._bound(item, overrides, memo, f"{prefix}{key}") for key, item in value.items()}
        return type(value)(self._bound(item, overrides, memo, f"{path}[{i}]") for i, item in enumerate(value))

    def _with_config(self, function: Callable, names: set[str] | None) -> ConfigFunction:
        config = self._config.selected(names)
        if isinstance(function, ConfigFunction):
            return ConfigFunction(function.function, function.modules, config)
        return ConfigFunction(function, config=config)

    def _options_read(self, value: object) -> OptionsRead:
        """:return: options that any function in `value` reads"""
        if not isinstance(value, dict | list | tuple) and not callable(value):
            return _NOTHING
        key = (id(value), *self._functions)
        if key not in self._reads:
            self._reads[key] = (value, _NOTHING)  # contains itself; the conversion to JSON raises the error
            self._reads[key] = (value, self._read_by(value))
        return self._reads[key][1]

    def _read_by(self, value: Any) -> OptionsRead:
        if not isinstance(value, dict | list | tuple):
            return options_read(value, self._config.typed_dict)
        items = [self._options_read(item) for item in (value.values() if isinstance(value, dict) else value)]
        items = [item for item in items if item is not _NOTHING]
        if not items:
            return _NOTHING
        found = OptionsRead()
        for item in items:
            found.add(item)
        return found


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
    plan: Plan,
    config: Config,
    with_overrides: Callable[[Mapping[str, object]], AbstractContextManager],
    of_training: Mapping[str, Callable],
) -> Plan:
    """
    :param with_overrides: called with overrides; a context manager that sets them in the config
    :param of_training: training options of the config that are functions
    :return: the plan, in which the functions of each phase see its overrides. A function of the training that reads one of
        them becomes an override itself
    """
    functions, phases = FunctionsOfPhases(config), []
    memo: dict[tuple, tuple] = {}
    for number, phase in enumerate(plan.phases):
        try:
            with with_overrides(phase.config):
                network = functions.bound(phase.network, phase.config, memo)
                bound = {
                    key: functions.bound(function, phase.config, memo, key)
                    for key, function in {**of_training, **functions_of_training(phase.config)}.items()
                }
        except ConfigError as error:
            raise ConfigError(f"phase {number} ({index_label(phase.index)}): {error}") from error
        changed = {key: value for key, value in bound.items() if key in phase.config or value != of_training[key]}
        phases.append(replace(phase, network=network, config=phase.config | changed))
    return replace(plan, phases=tuple(phases))


def functions_of_training(options: Mapping[str, Any]) -> dict[str, Callable]:
    """:return: the training options among them that are functions"""
    known = [field.name for field in fields(TrainingOptions)]
    return {key: options[key] for key in known if callable(options.get(key))}
