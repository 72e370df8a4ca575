"""The names of what growth can do, each with its meaning in a line."""

from __future__ import annotations

from collections.abc import Iterable

from boulder.errors import ConfigError, nearest

MODES = {
    "ifpossible": "copies what has kept its shape, initialises the rest; also what None means (RETURNN)",
    "subset": "old values also fill a part of what has another shape; the old parts are guessed from the new (RETURNN)",
    "reset": "copies nothing (RETURNN)",
    "subset_by_source": "as subset, but rows follow their source layer and columns their gate, by name",
    "net2wider": "layers get wider and compute what they did: units are replicated (Chen et al. 2016)",
    "deepen": "as net2wider, and new layers in between start as the identity (Chen et al. 2016)",
    "stack": "as subset_by_source, and new numbered layers copy a trained one of their shape (G_stack, Du et al. 2024)",
}
"""copy_param_mode → what it does"""

CARRY_OPTIMIZER = {
    "reset": "the optimizer starts anew with each phase",
    "grow": "its slots grow with their parameters, what is new has the optimizer's initial value",
    "keep": "slots of parameters that were copied as they are go on, others start anew",
}
"""carry_optimizer → what becomes of the optimizer's slots where a phase begins"""


def check_mode(mode: str | None, where: str) -> None:
    """:raises ConfigError: if there is no such mode"""
    if mode is not None:
        _check("copy_param_mode", mode, MODES, where)


def check_carry_optimizer(carry: str, where: str) -> None:
    """:raises ConfigError: if there is no such choice"""
    _check("carry_optimizer", carry, CARRY_OPTIMIZER, where)


def _check(option: str, value: object, known: Iterable[str], where: str) -> None:
    if not isinstance(value, str) or value not in known:
        raise ConfigError(f"{where}: unknown {option} {value!r}{nearest(str(value), known)}")
