"""`training_config`: the training options of a RETURNN config under Boulder's names, with RETURNN's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, get_type_hints

from boulder.returnn.optimizer_choice import chosen_optimizer
from boulder.returnn.options import is_read_before, verdict
from boulder.returnn.overrides import known_options
from boulder.returnn.verdicts import HONOURED
from boulder.training.learning_rate import CONTROLS, Scheduled, options_of_others
from boulder.training.option_kind import FLAG, is_int
from boulder.training.training_options import TrainingOptions

DEFAULTS: dict[str, Any] = {
    "batch_size": 1, "max_seqs": None, "learning_rate": 1.0, "returnn_batches": True, "cleanup_old_models": False,
}  # fmt: skip
"""RETURNN's, where they differ from those of `lay_out`. With a `batch_size` of 1, each sequence is a batch of its own;
without `cleanup_old_models`, the checkpoint of each epoch is kept."""


def training_config(options: Mapping[str, Any]) -> dict[str, Any]:
    """
    :param options: of a config, without those that are None
    :return: `config=` of a pipeline, without `batching`, which is in the description of the data. Options of learning-rate
        rules other than the chosen one are left out, as they have no effect in RETURNN.
    :raises ConfigError: for contradictory options of the optimizer
    """
    control = options.get("learning_rate_control", Scheduled.name)
    of_others = options_of_others(CONTROLS[control]) if isinstance(control, str) and control in CONTROLS else {}
    left_out = {*of_others, "batching"}
    honoured = [key for key in known_options() if verdict(key) == HONOURED and key not in left_out]
    known = {key: options[key] for key in honoured if key in options}
    return DEFAULTS | as_boulders(known) | {"optimizer": chosen_optimizer(options)}


def overrides_with_effect(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """
    :param overrides: of a phase
    :return: without those that have no effect in RETURNN, since it has read these options before
    """
    return {key: value for key, value in overrides.items() if not is_read_before(key, overrides)}


def as_boulders(options: Mapping[str, Any]) -> dict[str, Any]:
    """
    :param options: training options of a config, or overrides of a phase
    :return: with flags as True and False, and without a limit where RETURNN writes -1
    """
    flags = _flags()
    result = {key: bool(value) if key in flags and _is_0_or_1(value) else value for key, value in options.items()}
    if is_int(result.get("max_seqs")) and result["max_seqs"] == -1:
        result["max_seqs"] = None
    return result


def _flags() -> frozenset[str]:
    hints = get_type_hints(TrainingOptions, include_extras=True)
    of_training = {key for key, hint in hints.items() if FLAG in getattr(hint, "__metadata__", ())}
    of_rules = {f.name for cls in CONTROLS.values() for f in fields(cls) if f.type in (bool, "bool")}
    return frozenset({*of_training, *of_rules, "use_learning_rate_control_always", "cleanup_old_models"})


def _is_0_or_1(value: object) -> bool:
    return is_int(value) and value in (0, 1)
