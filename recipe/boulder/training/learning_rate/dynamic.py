"""RETURNN's `dynamic_learning_rate`: a function, or a dict, that changes the rate in each step."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from boulder.errors import ConfigError, nearest
from boulder.lazy import TFTensor, tf
from boulder.network.code.layer import CodeNetwork
from boulder.training.option_kind import is_int, is_number

Dynamic = Mapping[str, Any] | Callable[..., Any] | None
"""`{"interval": 1000, "decay": 0.999}`, a function of some of `_ARGUMENTS`, or None."""
_ARGUMENTS = ("network", "global_train_step", "learning_rate", "epoch")


def dynamic_rate(dynamic: Dynamic, rate: float, step: int, epoch: int) -> float:
    """
    :param rate: of the epoch
    :param step: number of updates before this one, since the start of the training
    :param epoch: 1-based
    :return: the rate of the step
    """
    if not dynamic:
        return rate
    return _by_function(dynamic, rate, step, epoch) if callable(dynamic) else _by_dict(dynamic, rate, step)


def _by_dict(options: Mapping[str, Any], rate: float, step: int) -> float:
    """rate · decay^(step mod interval), in float32. RETURNN: `Updater.get_current_step_learning_rate`."""
    decay, interval = tf.constant(options["decay"], tf.float32), options["interval"]
    return float(tf.constant(rate, tf.float32) * tf.pow(decay, tf.constant(step % interval, tf.float32)))


def _by_function(function: Callable[..., Any], rate: float, step: int, epoch: int) -> float:
    given = {
        "network": CodeNetwork(_Training(tf.constant(step, tf.int64))),
        "global_train_step": tf.constant(step, tf.int64),
        "learning_rate": tf.constant(rate, tf.float32),
        "epoch": tf.constant(epoch, tf.int32),
    }
    parameters = inspect.signature(function).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    return float(function(**{key: value for key, value in given.items() if takes_all or key in parameters}))


@dataclass(frozen=True)
class _Training:
    """What `CodeNetwork` reads of a layer's run."""

    step: TFTensor
    train: bool = True


def check_dynamic_learning_rate(dynamic: Dynamic, where: str) -> None:
    """
    :raises ConfigError: for another value, and for a function that needs other arguments than those of RETURNN
    """
    if not dynamic:
        return
    if callable(dynamic):
        _check_arguments(dynamic, where)
        return
    expected = "a function, or a dict with a positive int 'interval' and a number 'decay', 0 or more"
    if not isinstance(dynamic, Mapping) or set(dynamic) != {"interval", "decay"}:
        raise ConfigError(f"{where}: 'dynamic_learning_rate' must be {expected}, found {dynamic!r:.80}")
    interval, decay = dynamic["interval"], dynamic["decay"]
    if not is_int(interval) or interval < 1 or not is_number(decay) or not 0 <= decay < math.inf:
        raise ConfigError(f"{where}: 'dynamic_learning_rate' must be {expected}, found {dynamic!r:.80}")


def _check_arguments(function: Callable[..., Any], where: str) -> None:
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL) or name in _ARGUMENTS:
            continue
        if parameter.default is parameter.empty:
            raise ConfigError(
                f"{where}: the function 'dynamic_learning_rate' has the argument {name!r}, expected some of {', '.join(_ARGUMENTS)}"
                + nearest(name, _ARGUMENTS)
            )
