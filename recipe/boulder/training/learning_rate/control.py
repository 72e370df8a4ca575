"""Learning-rate controls: the rate of each epoch as a function of the epoch and of the scores so far."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from types import NoneType, UnionType
from typing import Any, ClassVar, Self, TypeVar, Union, get_args, get_origin, get_type_hints

from boulder.errors import ConfigError, nearest
from boulder.schedule import Plan
from boulder.schedule.canonical import canonical
from boulder.training.history import EpochRecord
from boulder.training.numpy_values import without_numpy
from boulder.training.option_kind import FLAG, INT, NUMBER, STRING, OptionKind

_KINDS: dict[type, OptionKind] = {
    bool: FLAG,
    int: INT,
    float: NUMBER,
    str: STRING,
    NoneType: OptionKind("None", lambda value: value is None),
}


@dataclass(frozen=True, kw_only=True)
class LearningRateControl(ABC):
    """
    The fields that a subclass adds are options of the config, under the same names, except for those in `derived`.

    :param first_epoch: epoch of the first entry of `rates`
    :param rates: rate of each epoch according to the config's schedule, see `learning_rates`
    """

    name: ClassVar[str]
    derived: ClassVar[tuple[str, ...]] = ("first_epoch", "rates")

    first_epoch: int
    rates: list[float]

    @abstractmethod
    def rate(self, epoch: int, history: Sequence[EpochRecord]) -> float:
        """
        Return the learning rate of an epoch. The result must depend on nothing but the arguments, since a resumed job asks
        again.

        :param epoch: 1-based; one of those that `rates` covers
        :param history: records of all epochs before it, of earlier phases as well. A score may be None or missing.
        """

    def notice(self, epoch: int, history: Sequence[EpochRecord]) -> str | None:
        """
        :param epoch: see `rate`
        :param history: see `rate`
        :return: what the log should say of the rate of this epoch; None: nothing
        """
        return None

    def check_scores(self, phases: Sequence[tuple[Mapping[str, Collection[str]], Sequence[str]]]) -> None:
        """
        :param phases: layer with a loss → kinds of its scores (`NetworkSpec.scores`), and names of the data sets that are scored, for each phase of the plan
        :raises ConfigError: if the rule needs a score that no phase computes
        """
        return

    def scheduled(self, epoch: int) -> float:
        """:return: the rate according to the config's schedule"""
        return self.rates[epoch - self.first_epoch]

    @classmethod
    def from_config(cls, config: Mapping[str, Any], plan: Plan, rates: Sequence[float]) -> Self:
        """
        :param config: without the overrides of phases
        :param rates: scheduled rate of each epoch of `plan`
        :raises ConfigError: for an option of the wrong type or range
        """
        options = {key: without_numpy(config[key]) for key in cls.option_names() if key in config}
        cls.check_types(options, "config")
        return cls(first_epoch=1, rates=list(rates), **options)

    @classmethod
    def check_types(cls, options: Mapping[str, Any], where: str) -> None:
        """
        Check options whose annotation is bool, int, float, str, or one of them or None; others pass.

        :raises ConfigError: for an option of another type than its annotation
        """
        hints = get_type_hints(cls)
        for key in options.keys() & set(cls.option_names()):
            types = get_args(hints[key]) if get_origin(hints[key]) in (Union, UnionType) else (hints[key],)
            kinds = [_KINDS.get(type_) for type_ in types]
            if not any(kind is None or kind.fits(options[key]) for kind in kinds):
                expected = " or ".join(kind.expected for kind in kinds if kind)
                raise ConfigError(f"{where}: {key!r} must be {expected}, found {options[key]!r:.60}")

    def restricted_to(self, epochs: range) -> Self:
        """:return: the control for some of its epochs; equal for equal rates and options of these epochs"""
        start, stop = (epoch - self.first_epoch for epoch in (epochs.start, epochs.stop))
        return replace(self, first_epoch=epochs.start, rates=self.rates[start:stop])

    @classmethod
    def option_names(cls) -> list[str]:
        """:return: names of the options that this class adds"""
        return [field.name for field in fields(cls) if field.name not in cls.derived]

    def to_json(self) -> dict[str, Any]:
        """
        :return: plain JSON, part of the hash of the phase's job. It omits options at their default, so that jobs keep their
            ids when a rule gains an option.
        """
        result: dict[str, Any] = {"class": self.name}
        for f in fields(self):
            value = getattr(self, f.name)
            default = f.default_factory() if f.default_factory is not MISSING else f.default
            if default is MISSING or canonical(value) != canonical(default):
                result[f.name] = value
        return result


CONTROLS: dict[str, type[LearningRateControl]] = {}
"""Value of `learning_rate_control` → class."""

_Control = TypeVar("_Control", bound=type[LearningRateControl])


def control_class(name: str, *aliases: str) -> Callable[[_Control], _Control]:
    """
    :return: a decorator that registers a class under `name`, which its JSON carries, and under further names
    :raises ConfigError: if another class has one of these names
    """

    def register(cls: _Control) -> _Control:
        for known in {name, *aliases} & CONTROLS.keys():
            modules = f"{CONTROLS[known].__module__}, {cls.__module__}"
            raise ConfigError(f"learning_rate_control {known!r} is registered twice: {modules}")
        cls.name = name
        CONTROLS.update(dict.fromkeys((name, *aliases), cls))
        return cls

    return register


def find_control(name: object, where: str) -> type[LearningRateControl]:
    """:raises ConfigError: if no class has that name"""
    if not isinstance(name, str) or name not in CONTROLS:
        known = ", ".join(CONTROLS)
        raise ConfigError(
            f"{where}: unknown learning_rate_control {name!r:.80}, expected one of {known}{nearest(str(name), CONTROLS)}"
        )
    return CONTROLS[name]


def control_from_json(value: Mapping[str, Any], where: str = "phase") -> LearningRateControl:
    """
    Invert `LearningRateControl.to_json`.

    :raises ConfigError: for an unknown class or option
    """
    options = dict(value)
    cls = find_control(options.pop("class", None), where)
    known = [field.name for field in fields(cls)]
    for key in options:
        if key not in known:
            raise ConfigError(f"{where}: learning_rate_control {cls.name!r} has no option {key!r}{nearest(key, known)}")
    cls.check_types(options, where)
    return cls(**options)


def options_of_others(cls: type[LearningRateControl]) -> dict[str, str]:
    """:return: options that have no effect on `cls` → name of a control that has them"""
    own = cls.option_names()
    return {key: other.name for other in CONTROLS.values() for key in other.option_names() if key not in own}


def check_options_of_others(config: Mapping[str, Any], cls: type[LearningRateControl]) -> None:
    """:raises ConfigError: for an option of a control other than `cls`, which would have no effect"""
    for key, other in options_of_others(cls).items():
        if key in config:
            raise ConfigError(
                f"config: {key!r} is an option of learning_rate_control {other!r}, found learning_rate_control {cls.name!r}"
            )


_SCHEDULE_KEYS = ("learning_rate", "learning_rates", "pretrain_learning_rate", "use_learning_rate_control_always")


def learning_rate_keys() -> tuple[str, ...]:
    """:return: all keys of a config that set learning rates; the options of every control are among them"""
    options = {key: None for cls in CONTROLS.values() for key in cls.option_names()}
    return (*_SCHEDULE_KEYS, "learning_rate_control", *options)
