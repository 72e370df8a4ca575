"""Pretraining options of a config: the dict `pretrain`, and RETURNN's separate `pretrain_…` options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from boulder.errors import ScheduleError, nearest
from boulder.schedule.hash_keys import check_copy_param_mode
from boulder.schedule.user_code import short

OPTIONS = (
    "repetitions",
    "construction_algo",
    "copy_param_mode",
    "copy_output_layer",
    "greedy",
    "output_layers",
    "input_layers",
)
"""Keys of a `pretrain` dict."""

ALGOS = ("from_output", "from_input", "no_network_modifications")
"""Built-in construction algos."""

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class PretrainOptions:
    """
    :param algo: the user's function, or one of `ALGOS`
    :param repetitions: value of the config
    :param copy_param_mode: default for steps that set none
    :param reset_outputs: initialise output layers at each phase
    :param greedy: train only new layers and the output layers
    :param output_layers: for the built-in algos
    :param input_layers: for the built-in algos
    """

    algo: Callable | str
    repetitions: object
    copy_param_mode: str | None
    reset_outputs: bool
    greedy: bool
    output_layers: tuple[str, ...]
    input_layers: tuple[str, ...]


def pretrain_options(config: dict) -> dict | None:
    """
    Reads a config as RETURNN does: `pretrain_repetitions`, `pretrain_construction_algo`, `pretrain_copy_output_layer`
    and `pretrain_greedy` fill in options that the `pretrain` dict lacks, and have no effect without `pretrain`. Strings,
    which line-based config files have, are parsed.

    :param config: all options of a config
    :return: a dict for `plan`; None: no pretraining
    :raises ScheduleError: for a value of the wrong type
    """
    pretrain = _bool_or_other(config.get("pretrain"))
    if not pretrain:
        return None
    options = dict(_as_dict(pretrain))
    read: dict[str, Callable[[object, str], object]] = {
        "copy_output_layer": _bool_or_other,
        "greedy": _bool_or_other,
        "repetitions": _int_list,
        "construction_algo": lambda value, key: value,
    }
    for name in read:
        key = f"pretrain_{name}"
        if config.get(key) is not None:
            options.setdefault(name, read[name](config[key], key))
    return options or {"construction_algo": "from_output"}


def pretrain_learning_rate(config: dict) -> float | None:
    """
    :return: the learning rate of pretraining; None: that of the rest of the training
    :raises ScheduleError: if it is not a number
    """
    rate = config.get("pretrain_learning_rate")
    try:
        return None if rate is None else float(rate)
    except (TypeError, ValueError):
        raise ScheduleError(f"pretrain_learning_rate: found {short(rate)}, expected a number") from None


def read_options(pretrain: object) -> PretrainOptions | None:
    """
    :param pretrain: value of the config
    :return: None: no pretraining
    :raises ScheduleError: for an unknown option, or a value of the wrong type
    """
    if not pretrain:
        return None
    pretrain = _as_dict(pretrain)
    for key in pretrain:
        if key not in OPTIONS:
            raise ScheduleError(f"pretrain: found unknown option {key!r}{nearest(key, OPTIONS)}")
    greedy = pretrain.get("greedy")
    if greedy is not None and not isinstance(greedy, int):
        raise ScheduleError(f"pretrain: greedy: found {short(greedy)}, expected True or False")
    mode = check_copy_param_mode(pretrain.get("copy_param_mode"), "pretrain: copy_param_mode")
    return PretrainOptions(
        algo=_read_algo(pretrain.get("construction_algo", "from_output")),
        repetitions=pretrain.get("repetitions"),
        copy_param_mode=mode,
        reset_outputs=_read_copy_output_layer(pretrain.get("copy_output_layer"), mode),
        greedy=bool(greedy),
        output_layers=_read_names(pretrain, "output_layers", ("output",)),
        input_layers=_read_names(pretrain, "input_layers", ("data",)),
    )


def _as_dict(pretrain: object) -> dict:
    if pretrain is True or pretrain == "default":
        return {}
    if not isinstance(pretrain, dict):
        raise ScheduleError(f"pretrain: found {short(pretrain)}, expected a dict, True, 'default', None or False")
    return pretrain


def _read_algo(algo: object) -> Callable | str:
    if callable(algo) or (isinstance(algo, str) and algo in ALGOS):
        return algo
    known = ", ".join(map(repr, ALGOS))
    raise ScheduleError(
        f"pretrain: construction_algo: found {short(algo)}, expected a function of idx and net_dict, or one of {known}"
        + nearest(str(algo), ALGOS)
    )


def _read_copy_output_layer(value: object, copy_param_mode: str | None) -> bool:
    """:return: whether output layers are initialised anew. As in RETURNN, "subset" means True"""
    if value is None:
        value = copy_param_mode if copy_param_mode == "reset" else None
    if value not in (None, True, False, "", "reset", "ifpossible", "subset"):
        raise ScheduleError(
            f"pretrain: copy_output_layer: found {short(value)}, expected True, False, 'ifpossible', 'subset', 'reset' "
            f"or None{nearest(str(value), ('reset', 'ifpossible', 'subset'))}"
        )
    return value is not None and (not value or value == "reset")


def _read_names(pretrain: dict, option: str, default: tuple[str, ...]) -> tuple[str, ...]:
    names = pretrain.get(option, default)
    names = (names,) if isinstance(names, str) else names
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise ScheduleError(f"pretrain: {option}: found {short(names)}, expected a list of layer names")
    return tuple(names)


def _bool_or_other(value: object, key: str = "") -> object:
    if not isinstance(value, str):
        return value
    lower = value.strip().lower()
    return True if lower in _TRUE else False if lower in (*_FALSE, "") else value


def _int_list(value: object, key: str) -> object:
    """Parses strings of a line-based config, such as `1,2`; other values are returned unchanged."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        return value
    try:
        return [int(part) for part in parts]
    except ValueError:
        raise ScheduleError(f"{key}: found {short(value)}, expected a whole number of epochs, or several") from None
