"""Checks of the names that choose how a phase grows."""

from __future__ import annotations

from collections.abc import Iterable

from boulder.errors import ConfigError, nearest
from boulder.schedule.phases import CARRY_OPTIMIZER, COPY_PARAM_MODES


def check_mode(mode: str | None, where: str) -> None:
    """:raises ConfigError: for an unknown `copy_param_mode`"""
    if mode is not None:
        _check("copy_param_mode", mode, COPY_PARAM_MODES, where)


def check_carry_optimizer(carry: str, where: str) -> None:
    """:raises ConfigError: for an unknown `carry_optimizer`"""
    _check("carry_optimizer", carry, CARRY_OPTIMIZER, where)


def _check(option: str, value: object, known: Iterable[str], where: str) -> None:
    if not isinstance(value, str) or value not in known:
        raise ConfigError(f"{where}: unknown {option} {value!r}{nearest(str(value), known)}")
