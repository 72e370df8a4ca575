"""`#` keys: options for a whole phase, at the top level of its net dict."""

from __future__ import annotations

from dataclasses import dataclass

from boulder.errors import ScheduleError, nearest
from boulder.schedule.copying import copy_value
from boulder.schedule.phases import CARRY_OPTIMIZER, COPY_PARAM_MODES
from boulder.schedule.user_code import short

REPETITION_KEYS = ("#repetitions", "#repetition")
NOTES = ("#info", "#epoch", "#finish_all_data")
"""Keys of published configs without effect in Boulder. `#finish_all_data` concerns RETURNN's multi-GPU training; the
others make the net dicts of two steps differ, so that a new phase begins."""

GROWTH_KEYS = ("#init_from", "#carry_optimizer", "#growth_noise")
"""Keys that RETURNN lacks."""

HASH_KEYS = ("#config", *REPETITION_KEYS, "#copy_param_mode", "#trainable", *GROWTH_KEYS, *NOTES)


@dataclass(frozen=True)
class Settings:
    """
    :param config: overrides
    :param copy_param_mode: how parameters are carried over from the phase before
    :param trainable: False freezes all parameters
    :param notes: the present keys of `NOTES`
    :param init_from: new layer → old layer
    :param carry_optimizer: how the optimizer's slots are carried over
    :param growth_noise: for "net2wider"
    """

    config: dict[str, object]
    copy_param_mode: str | None
    trainable: bool
    notes: dict[str, object]
    init_from: dict[str, str]
    carry_optimizer: str
    growth_noise: float


def read_settings(keys: dict, where: str, copy_param_mode: str | None) -> Settings:
    """
    :param keys: the entries of a net dict whose names begin with `#`
    :param where: context for messages
    :param copy_param_mode: default if the net dict sets none
    :raises ScheduleError: for an unknown key, or an invalid value
    """
    for name in keys:
        if name not in HASH_KEYS:
            raise ScheduleError(f"{where}: found unknown key {name!r}{nearest(name, HASH_KEYS)}")
    config = keys.get("#config", {})
    if not isinstance(config, dict) or not all(isinstance(key, str) for key in config):
        raise ScheduleError(f"{where}: '#config' is {short(config)}, expected a dict of config keys to values")
    trainable = keys.get("#trainable", True)
    if not isinstance(trainable, int):
        raise ScheduleError(f"{where}: '#trainable' is {short(trainable)}, expected True or False")
    mode = keys.get("#copy_param_mode", copy_param_mode)
    init_from = keys.get("#init_from", {})
    if not isinstance(init_from, dict) or not all(isinstance(name, str) for pair in init_from.items() for name in pair):
        raise ScheduleError(f"{where}: '#init_from' is {short(init_from)}, expected a dict of new layer to old layer")
    carry = keys.get("#carry_optimizer", "reset")
    if carry not in CARRY_OPTIMIZER:
        raise ScheduleError(
            f"{where}: '#carry_optimizer' is {short(carry)}, expected {', '.join(CARRY_OPTIMIZER)}"
            + nearest(str(carry), CARRY_OPTIMIZER)
        )
    noise = keys.get("#growth_noise", 0.0)
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise < 1:
        raise ScheduleError(f"{where}: '#growth_noise' is {short(noise)}, expected a number from 0 to below 1")
    return Settings(
        config=copy_value(config, objects=False),
        copy_param_mode=check_copy_param_mode(mode, f"{where}: '#copy_param_mode'"),
        trainable=bool(trainable),
        notes=copy_value({name: keys[name] for name in NOTES if name in keys}, objects=False),
        init_from=dict(init_from),
        carry_optimizer=carry,
        growth_noise=float(noise),
    )


def check_copy_param_mode(mode: object, what: str) -> str | None:
    """
    :param what: context for messages
    :return: `mode`
    :raises ScheduleError: if there is no such mode
    """
    if mode is not None and (not isinstance(mode, str) or mode not in COPY_PARAM_MODES):
        raise ScheduleError(
            f"{what}: found {mode!r}, expected {', '.join(COPY_PARAM_MODES)} or None"
            + nearest(str(mode), COPY_PARAM_MODES)
        )
    return mode
