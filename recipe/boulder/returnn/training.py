"""What a RETURNN config says of its training, in the words of Boulder's: options, data files, order of the sequences."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from boulder.errors import ConfigError
from boulder.returnn.config import ReturnnConfig
from boulder.returnn.overrides import known_options

_OPTIMIZER_FLAGS = ("adam", "nadam", "adamw", "adagrad", "adadelta", "rmsprop", "amsgrad", "momentum")

# Options that change what is computed, with the values at which they do nothing. The training must not pass over others.
_NOT_YET: dict[str, tuple] = {
    "accum_grad_multiple_step": (0, 1, None),
    "calculate_exp_loss": (False, None),
    "chunking": ("0", 0, None, False),
    "dynamic_learning_rate": (None,),
    "gradient_noise": (0, None),
    "learning_rate_control": ("constant", None),
    "learning_rate_warmup_num_epochs": (0, None),
    "max_seq_length": (0, None, float("inf")),
    "min_seq_length": (0, None),
    "preload_from_files": ({}, None),
    "import_model_train_epoch1": (None, ""),
    "seq_drop": (0, None),
}

# What else says how the training goes, if the config says it. Boulder reads it once, for all phases.
_FOR_ALL_PHASES = frozenset(
    {
        *("train", "dev", "eval", "eval_datasets", "extern_data", "num_inputs", "num_outputs", "target"),
        *("network", "get_network", "pretrain", "num_epochs", "behavior_version", "task", "default_input"),
        *("min_chunk_size", "chunking_variance", "window", "context_window", "inc_seq_length", "seq_drop_freq"),
    }
)


def training_config(config: ReturnnConfig) -> dict:
    """
    :return: `config=` of a pipeline: those of the config's options that the training knows
    :raises ConfigError: for an option that changes what is computed, and that the training does not know yet
    """
    values = config.values
    for option, without_effect in _NOT_YET.items():
        if values.get(option) not in without_effect and option in values:
            raise ConfigError(f"{config.file}: the training does not know {option!r} yet, found {values[option]!r:.60}")
    options = {key: values[key] for key in known_options() if values.get(key) is not None}
    for name in _OPTIMIZER_FLAGS:  # the older way: adam = True
        if values.get(name) and "optimizer" not in options:
            options["optimizer"] = {"class": name}
    order = _data_set(config, "train").get("seq_ordering")
    return ({"batching": order} if order else {}) | options


def function_options(config: ReturnnConfig) -> frozenset[str]:
    """
    :return: the options that the config defines for itself: the training does nothing with them, so that a phase may
        override them for the functions of its network. What RETURNN's training reads is not among them
    """
    defined = {*config.config.typed_dict, *config.config.dict}
    return frozenset(defined - {*known_options(), *_NOT_YET, *_OPTIMIZER_FLAGS, *_FOR_ALL_PHASES})


def data_files(config: ReturnnConfig, key: str) -> list[Path]:
    """
    :param key: "train" or "dev"
    :return: HDF files, absolute; [] if the config has no such data set
    :raises ConfigError: for a data set of another class, or an option of it that would change what is read
    """
    data_set = _data_set(config, key)
    if not data_set:
        return []
    if data_set.get("class") != "HDFDataset":
        raise ConfigError(
            f"{config.file}: {key!r}: a data set of class {data_set.get('class')!r} cannot be read, expected 'HDFDataset'"
        )
    known = ("class", "files", "seq_ordering", "use_cache_manager", "name")
    for option, value in data_set.items():
        if option not in known and not (option == "partition_epoch" and value in (1, None)):
            raise ConfigError(f"{config.file}: {key!r}: Boulder does not know the option {option!r} of HDFDataset yet")
    files = data_set.get("files", [])
    files = [files] if isinstance(files, str) else files
    return [Path(config.file).absolute().parent / file for file in files]


def _data_set(config: ReturnnConfig, key: str) -> Mapping:
    """:return: the dict of a data set; {} if there is none, or it is of another form"""
    value = config.values.get(key)
    if value is not None and not isinstance(value, Mapping):
        raise ConfigError(
            f"{config.file}: {key!r}: found {value!r:.60}, expected a dict such as {{'class': 'HDFDataset'}}"
        )
    return value or {}
