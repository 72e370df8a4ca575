"""Optimizers of Keras under RETURNN's names, and their slots by parameter path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy

from boulder.errors import ConfigError, nearest
from boulder.lazy import TFTensor, keras
from boulder.private_api import skip_gradient_sum
from boulder.training.option_kind import FLAG, OptionKind, is_number


@dataclass(frozen=True)
class OptimizerClass:
    """
    :param name: RETURNN's
    :param keras: class in `keras.optimizers`
    :param options: options that the config may set, with their kinds, under Keras's names except for beta1 and beta2
    :param fixed: options under Keras's names that the config cannot remove
    """

    name: str
    keras: str
    options: Mapping[str, OptionKind]
    fixed: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_epsilon(self) -> bool:
        return "epsilon" in self.options

    def make(self, options: Mapping[str, Any]) -> Any:
        """:return: an optimizer of Keras"""
        named = {_KERAS_NAMES.get(key, key): value for key, value in options.items()}
        return getattr(keras.optimizers, self.keras)(**{**self.fixed, **named})


_KERAS_NAMES = {"beta1": "beta_1", "beta2": "beta_2"}
_DECAY = OptionKind("a number, 0 or more and less than 1", lambda value: is_number(value) and 0 <= value < 1)
_LION_DECAY = OptionKind("a number, more than 0 and at most 1", lambda value: is_number(value) and 0 < value <= 1)
_MOMENTUM = OptionKind("a number from 0 to 1", lambda value: is_number(value) and 0 <= value <= 1)
_FINITE = OptionKind("a finite number, 0 or more", lambda value: is_number(value) and 0 <= value < float("inf"))
_EPSILON = {"epsilon": _FINITE}
_BETAS = {"beta1": _DECAY, "beta2": _DECAY}
_SGD = {"momentum": _MOMENTUM, "nesterov": FLAG}

OPTIMIZERS = {
    row.name: row
    for row in (
        OptimizerClass("adam", "Adam", _BETAS | _EPSILON),
        OptimizerClass("amsgrad", "Adam", _BETAS | _EPSILON, {"amsgrad": True}),
        OptimizerClass("adamw", "AdamW", _BETAS | _EPSILON | {"weight_decay": _FINITE}),
        OptimizerClass("adamax", "Adamax", _BETAS | _EPSILON),
        OptimizerClass("nadam", "Nadam", _BETAS | _EPSILON),
        OptimizerClass("sgd", "SGD", _SGD),
        OptimizerClass("momentum", "SGD", _SGD, {"momentum": 0.9}),
        OptimizerClass("adagrad", "Adagrad", {"initial_accumulator_value": _FINITE} | _EPSILON),
        OptimizerClass("adadelta", "Adadelta", {"rho": _DECAY} | _EPSILON),
        OptimizerClass("rmsprop", "RMSprop", {"rho": _DECAY, "momentum": _MOMENTUM, "centered": FLAG} | _EPSILON),
        OptimizerClass("lion", "Lion", {"beta1": _LION_DECAY, "beta2": _DECAY, "weight_decay": _FINITE}),
    )
}


def check_optimizer(options: object, where: str) -> None:
    """
    :param options: {"class": name, option: value, …}
    :raises ConfigError: for an unknown class or option, or a value of the wrong type or range. Does not import TensorFlow.
    """
    if not isinstance(options, Mapping) or not isinstance(options.get("class"), str):
        raise ConfigError(f"{where}: 'optimizer' must be a dict such as {{'class': 'adam'}}, found {options!r}")
    name = options["class"].lower()
    if name not in OPTIMIZERS:
        raise ConfigError(f"{where}: unknown optimizer {options['class']!r}{nearest(name, OPTIMIZERS)}")
    known = OPTIMIZERS[name].options
    for option, value in options.items():
        if option == "class":
            continue
        if option not in known:
            raise ConfigError(f"{where}: optimizer {name!r} has no option {option!r}{nearest(option, known)}")
        if not known[option].fits(value):
            expected = known[option].expected
            raise ConfigError(f"{where}: {option!r} of optimizer {name!r} must be {expected}, found {value!r:.60}")


def make_optimizer(options: Mapping[str, Any], epsilon: float, variables: Sequence[TFTensor]) -> Any:
    """
    :param options: see `check_optimizer`
    :param epsilon: for optimizers that have one, unless `options` sets it
    :param variables: tf.Variables, in the order of their paths
    :return: a Keras optimizer with its slots built
    """
    row = OPTIMIZERS[options["class"].lower()]
    given = {key: value for key, value in options.items() if key != "class"}
    optimizer = row.make(({"epsilon": epsilon} if row.has_epsilon else {}) | given)
    skip_gradient_sum(optimizer)
    optimizer.build(list(variables))
    return optimizer


def variable_name(position: int) -> str:
    """:return: the name that the variable at `position` must have, so that `get_slots` recognises its slots"""
    return f"parameter{position}"


def get_slots(optimizer: Any, paths: Sequence[str]) -> dict[str, dict[str, numpy.ndarray]]:
    """
    :param paths: parameter path of each variable, by the number in its name
    :return: slot name → parameter path → array
    """
    slots: dict[str, dict[str, numpy.ndarray]] = {}
    for variable, (slot, path) in _slot_variables(optimizer, paths):
        slots.setdefault(slot, {})[path] = variable.numpy()
    return slots


def set_slots(
    optimizer: Any, paths: Sequence[str], slots: Mapping[str, Mapping[str, numpy.ndarray]], iterations: int
) -> None:
    """Invert `get_slots`."""
    for variable, (slot, path) in _slot_variables(optimizer, paths):
        variable.assign(slots[slot][path])
    optimizer.iterations.assign(iterations)


def _slot_variables(optimizer: Any, paths: Sequence[str]) -> Iterator[tuple[TFTensor, tuple[str, str]]]:
    """:return: (variable, (slot, path)) for all slots; those that belong to no parameter are in the slot "all" """
    not_slots = {id(optimizer.iterations), id(optimizer.learning_rate)}
    for position, variable in enumerate(optimizer.variables):
        match = re.search(r"parameter(\d+)(?:_0)?_(\w+)$", variable.path)
        if match:
            yield variable, (match[2], paths[int(match[1])])
        elif id(variable) not in not_slots:
            yield variable, ("all", str(position))  # e.g. Nadam's product of momentum factors, which has no name
