"""Keras optimizers under RETURNN's names, and their slots by parameter path."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy

from boulder.errors import ConfigError, nearest
from boulder.lazy import keras

# name → (Keras class, options that it always gets)
_CLASSES = {
    "adam": ("Adam", {}),
    "amsgrad": ("Adam", {"amsgrad": True}),
    "adamw": ("AdamW", {}),
    "adamax": ("Adamax", {}),
    "nadam": ("Nadam", {}),
    "sgd": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "adagrad": ("Adagrad", {}),
    "adadelta": ("Adadelta", {}),
    "rmsprop": ("RMSprop", {}),
    "lion": ("Lion", {}),
}
_WITHOUT_EPSILON = ("sgd", "momentum", "lion")
_OPTIONS = {
    "adam": ("beta1", "beta2", "epsilon"),
    "amsgrad": ("beta1", "beta2", "epsilon"),
    "adamw": ("beta1", "beta2", "epsilon", "weight_decay"),
    "adamax": ("beta1", "beta2", "epsilon"),
    "nadam": ("beta1", "beta2", "epsilon"),
    "sgd": ("momentum", "nesterov"),
    "momentum": ("momentum", "nesterov"),
    "adagrad": ("initial_accumulator_value", "epsilon"),
    "adadelta": ("rho", "epsilon"),
    "rmsprop": ("rho", "momentum", "centered", "epsilon"),
    "lion": ("beta1", "beta2", "weight_decay"),
}
_KERAS_NAMES = {"beta1": "beta_1", "beta2": "beta_2"}


def check_optimizer(options: dict, where: str) -> None:
    """
    :param options: {"class": name, option: value, …}
    :raises ConfigError: for a class or option that is not known. Needs no TensorFlow.
    """
    if not isinstance(options, dict) or not isinstance(options.get("class"), str):
        raise ConfigError(f"{where}: 'optimizer' must be a dict such as {{'class': 'adam'}}, found {options!r}")
    name = options["class"].lower()
    if name not in _CLASSES:
        raise ConfigError(f"{where}: unknown optimizer {options['class']!r}{nearest(name, _CLASSES)}")
    for option in options:
        if option != "class" and option not in _OPTIONS[name]:
            known = _OPTIONS[name]
            raise ConfigError(f"{where}: optimizer {name!r} has no option {option!r}{nearest(option, known)}")


def make_optimizer(options: dict, epsilon: float, variables: Sequence):
    """
    :param epsilon: for those that have one, where `options` does not say
    :param variables: tf.Variables, in the order of their paths
    :return: a Keras optimizer with its slots built
    """
    name = options["class"].lower()
    class_name, fixed = _CLASSES[name]
    values = {"epsilon": epsilon} if name not in _WITHOUT_EPSILON else {}
    values |= fixed | {key: value for key, value in options.items() if key != "class"}
    optimizer = getattr(keras.optimizers, class_name)(**{_KERAS_NAMES.get(k, k): v for k, v in values.items()})
    # in a replica it would sum them over all, which those that it is given are already
    optimizer._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables
    optimizer.build(list(variables))
    return optimizer


def variable_name(position: int) -> str:
    """:return: the name under which the variable at `position` must be made, so that its slots can be told"""
    return f"parameter{position}"


def get_slots(optimizer, paths: Sequence[str]) -> dict[str, dict[str, numpy.ndarray]]:
    """
    :param paths: parameter paths, in the order of the variables the optimizer was built with
    :return: slot name → parameter path → array
    """
    slots: dict[str, dict[str, numpy.ndarray]] = {}
    for variable, (slot, path) in _slot_variables(optimizer, paths):
        slots.setdefault(slot, {})[path] = variable.numpy()
    return slots


def set_slots(
    optimizer, paths: Sequence[str], slots: Mapping[str, Mapping[str, numpy.ndarray]], iterations: int
) -> None:
    """The reverse of `get_slots`."""
    for variable, (slot, path) in _slot_variables(optimizer, paths):
        variable.assign(slots[slot][path])
    optimizer.iterations.assign(iterations)


def _slot_variables(optimizer, paths: Sequence[str]):
    """:return: (variable, (slot, path)) of all that the optimizer remembers; what is of no parameter is of slot "all" """
    own = {id(optimizer.iterations), id(optimizer._learning_rate)}
    for position, variable in enumerate(optimizer.variables):
        match = re.search(r"parameter(\d+)(?:_0)?_(\w+)$", variable.path)
        if match:
            yield variable, (match[2], paths[int(match[1])])
        elif id(variable) not in own:
            yield variable, ("all", str(position))  # e.g. Nadam's product of momentum factors, which has no name
