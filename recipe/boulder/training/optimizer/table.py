"""The optimizers by name, with their options. Does not import TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from boulder.errors import ConfigError, nearest
from boulder.lazy import keras
from boulder.training.optimizer.adam_formulas import Adam, Adamax, AmsGrad, GradVarianceScaled, Nadam
from boulder.training.optimizer.adaptive_formulas import AdaDelta, AdaGrad, RmsProp
from boulder.training.optimizer.formula import Formula, keras_optimizer
from boulder.training.optimizer.momentum_formulas import (
    GradientDescent,
    Momentum,
    NormalizedGradient,
    SignAgreement,
)
from boulder.training.optimizer.proximal_formulas import Ftrl, ProximalAdaGrad, ProximalGradientDescent
from boulder.training.option_kind import FLAG, STRING, OptionKind, is_number


@dataclass(frozen=True)
class OptimizerClass:
    """
    :param name: RETURNN's
    :param made_of: a formula, or the name of a class in `keras.optimizers`
    :param options: options that the config may set, with their kinds; those of a formula are its own, besides `weight_decay`
    :param fixed: values of options that the config does not set
    :param other_names: other name of an option → the option
    """

    name: str
    made_of: str | type[Formula]
    options: Mapping[str, OptionKind]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    other_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def has_epsilon(self) -> bool:
        return "epsilon" in self.options

    def make(self, options: Mapping[str, Any], learning_rate: Any) -> Any:
        """
        :param learning_rate: a number, or a schedule of Keras
        :return: an optimizer of Keras
        """
        named = {**self.fixed, **{self.other_names.get(key, key): value for key, value in options.items()}}
        if isinstance(self.made_of, str):
            return getattr(keras.optimizers, self.made_of)(learning_rate=learning_rate, **named)
        decay = named.pop("weight_decay", None) or None
        return keras_optimizer(self.made_of(**named), learning_rate, decay)


_DECAY = OptionKind("a number, 0 or more and less than 1", lambda value: is_number(value) and 0 <= value < 1)
_LION_DECAY = OptionKind("a number, more than 0 and at most 1", lambda value: is_number(value) and 0 < value <= 1)
_MOMENTUM = OptionKind("a number from 0 to 1", lambda value: is_number(value) and 0 <= value <= 1)
_FINITE = OptionKind("a finite number, 0 or more", lambda value: is_number(value) and 0 <= value < float("inf"))
_POSITIVE = OptionKind("a finite number, more than 0", lambda value: is_number(value) and 0 < value < float("inf"))
_NOT_POSITIVE = OptionKind("a number, 0 or less", lambda value: is_number(value) and -float("inf") < value <= 0)

_EPSILON = {"epsilon": _FINITE}
_ADAM = {"beta1": _DECAY, "beta2": _DECAY} | _EPSILON
_SGD = {"momentum": _MOMENTUM, "nesterov": FLAG}
_MOMENTUM_OF_TF1 = {"momentum": _MOMENTUM, "use_nesterov": FLAG, "nesterov": FLAG}
_RMSPROP = {"decay": _DECAY, "rho": _DECAY, "momentum": _MOMENTUM, "centered": FLAG} | _EPSILON
_PROXIMAL = {"l1_regularization_strength": _FINITE, "l2_regularization_strength": _FINITE}
_ACCUMULATOR = {"initial_accumulator_value": _POSITIVE}
_SHRINKAGE = {"learning_rate_power": _NOT_POSITIVE, "l2_shrinkage_regularization_strength": _FINITE, "beta": _FINITE}
_ADAFACTOR = {
    "beta_2_decay": _NOT_POSITIVE,
    "epsilon_1": _FINITE,
    "epsilon_2": _FINITE,
    "clip_threshold": _POSITIVE,
}
# Keras's names of the betas stand in configs for Keras's classes, RETURNN's others for all
_BETAS_OF_KERAS = {"beta1": "beta_1", "beta2": "beta_2"}
_BETAS_OF_RETURNN = {theirs: ours for ours, theirs in _BETAS_OF_KERAS.items()}


def _of_keras(
    name: str, made_of: str | type[Formula], options: Mapping[str, OptionKind], decay: float = 0
) -> OptimizerClass:
    """:param decay: default of `weight_decay`"""
    renamed = {theirs: options[ours] for ours, theirs in _BETAS_OF_KERAS.items() if ours in options}
    known = {**options, **renamed, "weight_decay": _FINITE}
    others = _BETAS_OF_KERAS if isinstance(made_of, str) else _BETAS_OF_RETURNN
    return OptimizerClass(name, made_of, known, {"weight_decay": decay} if decay else {}, others)


OPTIMIZERS = {
    row.name: row
    for row in (
        OptimizerClass("adam", Adam, _ADAM),
        OptimizerClass("customadam", Adam, _ADAM),
        OptimizerClass("nadam", Nadam, _ADAM),
        OptimizerClass("amsgrad", AmsGrad, _ADAM | {"decay": FLAG}),
        OptimizerClass("gradvariancescaled", GradVarianceScaled, _ADAM),
        _of_keras("adamw", Adam, _ADAM | {"amsgrad": FLAG}, decay=0.004),
        _of_keras("adamax", Adamax, _ADAM),
        _of_keras("nadamkeras", "Nadam", _ADAM),
        _of_keras("lamb", "Lamb", _ADAM),
        _of_keras("lion", "Lion", {"beta1": _LION_DECAY, "beta2": _DECAY}),
        _of_keras("adafactor", "Adafactor", _ADAFACTOR),
        _of_keras("sgd", GradientDescent, _SGD),
        OptimizerClass("gradientdescent", GradientDescent, {}),
        OptimizerClass("customgradientdescent", GradientDescent, {}),
        OptimizerClass("normalizedsgd", NormalizedGradient, {}),
        OptimizerClass("momentum", Momentum, _MOMENTUM_OF_TF1, other_names={"nesterov": "use_nesterov"}),
        OptimizerClass("nesterov", Momentum, {"momentum": _MOMENTUM}, {"use_nesterov": True}),
        OptimizerClass("neuraloptimizer1", SignAgreement, {"beta1": _DECAY, "decrease_factor": _FINITE}),
        OptimizerClass("adagrad", AdaGrad, _ACCUMULATOR),
        OptimizerClass("adadelta", AdaDelta, {"rho": _DECAY} | _EPSILON),
        OptimizerClass("rmsprop", RmsProp, _RMSPROP, other_names={"rho": "decay"}),
        OptimizerClass("ftrl", Ftrl, _ACCUMULATOR | _PROXIMAL | _SHRINKAGE),
        OptimizerClass("proximalgradientdescent", ProximalGradientDescent, _PROXIMAL),
        OptimizerClass("proximaladagrad", ProximalAdaGrad, _ACCUMULATOR | _PROXIMAL),
    )
}

_REFUSED = {
    "adagradda": "RETURNN cannot make it either: it needs a variable with the step",
    "syncreplicas": "several GPUs share a phase by 'gpus' and 'nodes'",
    "lossscale": "the option 'mixed_precision' scales the loss",
    "multi": "a layer's 'updater_opts' give it an optimizer of its own",
    "basecustom": "it has no formula",
    "schedulefreeadamw": "its parameters for training and for evaluation differ, and checkpoints hold one",
    "muon": "it depends on Keras's names of layers",
}

_OF_ALL = {
    "class": STRING,
    "learning_rate_multiplier": _FINITE,
    "use_locking": FLAG,  # has no effect: each parameter has one writer
    "name": STRING,  # has no effect
}


def optimizer_class(name: str) -> OptimizerClass | None:
    """:return: the optimizer of this name of RETURNN, TensorFlow or Keras, in any case, as `Adam` or `AdamOptimizer`"""
    return OPTIMIZERS.get(_plain(name))


def _plain(name: str) -> str:
    return name.lower().removesuffix("optimizer")


def check_optimizer(options: object, where: str, default: str | None = None) -> None:
    """
    :param options: a name, or {"class": name, option: value, …}
    :param default: class of options without one; None: the class is required
    :raises ConfigError: for an unknown class or option, or a value of the wrong type or range
    """
    if isinstance(options, str):
        options = {"class": options}
    if not isinstance(options, Mapping) or not isinstance(options.get("class", default), str):
        raise ConfigError(
            f"{where}: 'optimizer' must be a name, or a dict such as {{'class': 'adam'}}, found {options!r:.60}"
        )
    name = options.get("class", default)
    row = optimizer_class(name)
    if row is None:
        why = _REFUSED.get(_plain(name))
        known = "; ".join([f"{where}: unknown optimizer {name!r}", *([why] if why else [])])
        raise ConfigError(known + ("" if why else nearest(_plain(name), OPTIMIZERS)))
    options_of_row = {**row.options, **_OF_ALL}
    for option, value in options.items():
        if option not in options_of_row:
            raise ConfigError(f"{where}: optimizer {name!r} has no option {option!r}{nearest(option, options_of_row)}")
        if not options_of_row[option].fits(value):
            expected = options_of_row[option].expected
            raise ConfigError(f"{where}: {option!r} of optimizer {name!r} must be {expected}, found {value!r:.60}")
    for one, other in row.other_names.items():
        if one in options and other in options:
            raise ConfigError(f"{where}: {one!r} and {other!r} of optimizer {name!r} are the same option, found both")


def make_optimizer(options: str | Mapping[str, Any], epsilon: float, learning_rate: Any) -> Any:
    """
    :param options: see `check_optimizer`, with a class
    :param epsilon: for optimizers that have one, unless `options` sets it
    :param learning_rate: a number, or a schedule of Keras
    :return: an optimizer of Keras
    """
    options = {"class": options} if isinstance(options, str) else options
    row = optimizer_class(options["class"])
    assert row is not None  # it is checked
    given = {key: value for key, value in options.items() if key not in _OF_ALL}
    return row.make(({"epsilon": epsilon} if row.has_epsilon else {}) | given, learning_rate)
