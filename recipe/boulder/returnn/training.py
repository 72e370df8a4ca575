"""The training of a RETURNN config in Boulder's terms: its options, and the descriptions of its data sets."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from boulder.data.dataset import Dataset, dataset_classes
from boulder.errors import ConfigError, nearest
from boulder.returnn.config import ReturnnConfig
from boulder.returnn.overrides import known_options
from boulder.schedule import Plan
from boulder.training.learning_rate import CONTROLS, Curve, Scheduled, keys_read_once, options_of_others

_OPTIMIZER_FLAGS = ("adam", "nadam", "adamw", "adagrad", "adadelta", "rmsprop", "amsgrad", "momentum")

# Unsupported options that change the result, with the values at which they have no effect. Other values are refused.
_NOT_YET: dict[str, tuple] = {
    "accum_grad_multiple_step": (0, 1, None),
    "chunking": ("0", 0, None, False),
    "gradient_noise": (0, None),
    "max_seq_length": (0, None, float("inf")),
    "min_seq_length": (0, None),
    "preload_from_files": ({}, None),
    "import_model_train_epoch1": (None, ""),
    "seq_drop": (0, None),
}

# Further options of the training. Boulder reads them once, for all phases, except for those of data sets.
_FOR_ALL_PHASES = frozenset(
    {
        *("train", "dev", "eval", "eval_datasets", "extern_data", "num_inputs", "num_outputs", "target"),
        *("network", "get_network", "pretrain", "num_epochs", "behavior_version", "task", "default_input"),
        *("min_chunk_size", "chunking_variance", "window", "context_window", "inc_seq_length", "seq_drop_freq"),
    }
)


_WARMUP = frozenset(
    {"learning_rate_warmup_num_epochs", "learning_rate_warmup_num_steps", "learning_rate_warmup_restart"}
)
"""Boulder's own: beside a rule of RETURNN, they are variables of the config, since RETURNN reads none of them."""

_WITHOUT_EFFECT_ON_DATA = ("use_cache_manager", "name")


def training_config(config: ReturnnConfig) -> dict:
    """
    :return: `config=` of a pipeline: the options of the config that the training supports, without those of learning-rate
        rules other than its own, which have no effect in RETURNN
    :raises ConfigError: for an option that changes the result and is not supported yet
    """
    values = config.values
    for option, without_effect in _NOT_YET.items():
        if option in values and values[option] not in without_effect:
            raise ConfigError(f"{config.file}: the training does not know {option!r} yet, found {values[option]!r:.60}")
    control = values.get("learning_rate_control")
    if control is not None and (not isinstance(control, str) or control not in CONTROLS):
        raise ConfigError(
            f"{config.file}: Boulder has no learning_rate_control {control!r:.60}, expected one of "
            f"{', '.join(CONTROLS)}{nearest(str(control), CONTROLS)}"
        )
    rule = CONTROLS[control or Scheduled.name]
    without_effect_here = {*options_of_others(rule), *(() if issubclass(rule, Curve) else _WARMUP)}
    options = {
        key: values[key] for key in known_options() if values.get(key) is not None and key not in without_effect_here
    }
    for name in _OPTIMIZER_FLAGS:  # the older way: adam = True
        if values.get(name) and "optimizer" not in options:
            options["optimizer"] = {"class": name}
    return options


def function_options(config: ReturnnConfig) -> frozenset[str]:
    """
    :return: the options that the config defines for its own functions. The training ignores them, so a phase may override
        them. Options that RETURNN's training reads are not among them.
    """
    defined = {*config.config.typed_dict, *config.config.dict}
    return frozenset(defined - {*known_options(), *_NOT_YET, *_OPTIMIZER_FLAGS, *_FOR_ALL_PHASES})


def planned_with_data(config: ReturnnConfig, further_epochs: int, as_path: Callable[[str], object] = str) -> Plan:
    """
    :param as_path: makes a path object of a file
    :return: the plan, in which `train` and `dev` of each `#config` are descriptions of data sets. A `#config` lacks the keys of
        learning rates that RETURNN reads once, at the start of the training: they have no effect there
    :raises ConfigError: see `data_description`
    """
    plan = config.plan(further_epochs)
    phases = []
    for phase in plan.phases:
        data = {
            key: data_description(config, key, phase.config, as_path) for key in ("train", "dev") if key in phase.config
        }
        options = {key: value for key, value in phase.config.items() if key not in keys_read_once()}
        phases.append(replace(phase, config=options | data))
    return replace(plan, phases=tuple(phases))


def data_description(
    config: ReturnnConfig,
    key: str,
    values: Mapping[str, Any] | None = None,
    as_path: Callable[[str], object] = str,
) -> dict[str, Any] | None:
    """
    :param key: "train" or "dev"
    :param values: the options that contain it; None: those of the config
    :param as_path: makes a path object of a file
    :return: description of the data set, with absolute paths; None if there is no such data set
    :raises ConfigError: for a class that is not registered, or an unknown option that would change the data
    """
    value = (config.values if values is None else values).get(key)
    if not value:
        return None
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"{config.file}: {key!r}: found {value!r:.60}, expected a dict such as {{'class': 'HDFDataset'}}"
        )
    name = value.get("class")
    cls = dataset_classes().get(str(name))
    if cls is None:
        expected = " or ".join(map(repr, dataset_classes()))
        raise ConfigError(f"{config.file}: {key!r}: a data set of class {name!r} cannot be read, expected {expected}")
    options = {}
    for option, found in value.items():
        if option in cls.options():
            if found is not None and (found != "" or option != "seq_ordering"):
                options[option] = found
        elif not _without_effect(option, found):
            raise ConfigError(
                f"{config.file}: {key!r}: Boulder does not support the option {option!r} of {name} yet"
                + nearest(option, cls.options())
            )
    return {"class": name} | _absolute(options, cls, config.file.absolute().parent, as_path)


def _without_effect(option: str, value: object) -> bool:
    return option in ("class", *_WITHOUT_EFFECT_ON_DATA) or (option == "partition_epoch" and value in (1, None))


def _absolute(
    options: dict[str, Any], cls: type[Dataset], folder: Path, as_path: Callable[[str], object]
) -> dict[str, Any]:
    """:return: the options, with path objects of absolute paths"""
    result = dict(options)
    for option, value in options.items():
        if cls.options()[option].metadata.get("paths"):
            files = value if isinstance(value, list | tuple) else [value]
            result[option] = [
                as_path(str(folder / file)) if isinstance(file, str | os.PathLike) else file for file in files
            ]
    return result
