"""`#config`: the options of a config that are different in a phase, as the functions of the phase's network see them.

The functions of a network run while RETURNN has the overrides of the network in force; all that builds networks, the
construction algo and the values of `WrapEpochValue`, runs before the first is. Here a function that may read an
overridden option gets a copy of its own for the phase, with the globals that it has there. So it is another function,
for a hash too, in just these phases, and nothing has to be undone.
"""

from collections.abc import Collection, Mapping
from dataclasses import fields, replace

from boulder.errors import ConfigError, nearest
from boulder.returnn.config_functions import ConfigFunction
from boulder.returnn.options import Config
from boulder.returnn.options_read import OptionsRead, options_read
from boulder.schedule import Plan
from boulder.schedule.functions import FunctionByValue


def known_options() -> tuple[str, ...]:
    """:return: the options of a training: they may be overridden although the config does not say them"""
    from boulder.training.learning_rate import learning_rate_keys  # with NumPy, which planning does without
    from boulder.training.training_options import TrainingOptions

    return (*(field.name for field in fields(TrainingOptions)), *learning_rate_keys())


def check_keys(plan: Plan, config: Config) -> None:
    """:raises ConfigError: for an override of what neither the config defines nor Boulder knows"""
    for number, phase in enumerate(plan.phases):
        for key in phase.config:
            if config.has(key) or key in (*known_options(), "train", "dev"):
                continue
            index = "the original network" if phase.index is None else f"index {phase.index}"
            options = [key for key in (*config.typed_dict, *config.dict) if not key.startswith("__")]
            raise ConfigError(
                f"phase {number} ({index}): '#config' has {key!r}, which neither the config defines nor Boulder knows"
                + nearest(key, {*known_options(), *options})
            )


class FunctionsOfPhases:
    """Of one config. What phases share, they still share afterwards, as far as no override tells it apart."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._reads: dict[int, tuple[object, OptionsRead]] = {}  # with the object, whose id stays its own so

    def bound(self, value: object, overrides: Mapping[str, object], memo: dict[tuple, tuple]) -> object:
        """
        :param value: a net dict
        :param overrides: of a phase; they are in force while this is called
        :param memo: filled here, for networks that share layers
        :return: the same, in which each function that reads an overridden option has the override
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
        # With all it captures, as it is now: its globals will be others.
        return FunctionByValue(value).settled() if read.among(overrides) else value

    def _bound_items(self, value: object, overrides: Mapping, memo: dict) -> object:
        if isinstance(value, dict):
            return {key: self.bound(item, overrides, memo) for key, item in value.items()}
        return type(value)(self.bound(item, overrides, memo) for item in value)

    def _with_config(self, function, names: Collection[str] | None) -> ConfigFunction:
        config = self._config.plain(None if names is None else set(names))
        if isinstance(function, ConfigFunction):
            return ConfigFunction(function.function, function.modules, config)
        return ConfigFunction(function, config=config)

    def _options_read(self, value: object) -> OptionsRead:
        """:return: by all functions in it"""
        if not isinstance(value, dict | list | tuple) and not callable(value):
            return _NOTHING
        if id(value) not in self._reads:
            self._reads[id(value)] = (value, _NOTHING)  # contains itself: who makes JSON of it says so
            self._reads[id(value)] = (value, self._read_by(value))
        return self._reads[id(value)][1]

    def _read_by(self, value: object) -> OptionsRead:
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
    """A value by its identity, kept alive: overrides may be of any kind."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def with_functions_bound(plan: Plan, config: Config, in_force) -> Plan:
    """
    :param in_force: context manager that sets options of the config and takes them back, called with them
    :return: the plan, in which each phase's functions see its overrides
    """
    functions, memo, phases = FunctionsOfPhases(config), {}, []
    for phase in plan.phases:
        with in_force(phase.config):
            phases.append(replace(phase, network=functions.bound(phase.network, phase.config, memo)))
    return replace(plan, phases=tuple(phases))
