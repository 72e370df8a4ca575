"""What RETURNN's tasks other than training have in common: the network and its checkpoint, a data set, sizes of batches."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from boulder.errors import BoulderError, ConfigError, nearest
from boulder.network import NetworkSpec, describe
from boulder.network.behavior_version import check_axes, check_version
from boulder.network.layer_output import layer_of
from boulder.returnn.checkpoint import checkpoint_name, epoch_of, main_file
from boulder.returnn.data_sets import data_description
from boulder.returnn.data_texts import data_dict
from boulder.returnn.foreign_data import ForeignData
from boulder.returnn.source import Source
from boulder.returnn.starting_point import preloads, whole
from boulder.returnn.training import AsPath, given_options, planned, refusals

_DATA_SETS = ("train", "dev", "eval")
_DEFAULT_BATCH_SIZE = 5000  # RETURNN's is 1: a sequence in a batch, with the same result
_REFUSED = (
    *("window", "context_window", "conv_pad_seq_len_to_power", "packed_tensors", "dataset_pipeline"),
    *("use_dummy_datasets", "get_model", "backend"),
)
"""Options that Boulder refuses in training, and that change what a network computes."""


@dataclass(frozen=True, kw_only=True)
class TaskNetwork:
    """
    A network whose parameters a config takes from checkpoints.

    :param network: net dict in Boulder's terms
    :param sources: see `boulder.training.starting.Source`; None: the config's own training makes the checkpoint
    :param epoch: of the checkpoint; 0 if unknown
    """

    network: dict[str, Any]
    sources: list[dict[str, Any]] | None
    epoch: int


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """Sizes of batches, which do not change the results."""

    batch_size: int | dict[str, int] = _DEFAULT_BATCH_SIZE
    max_seqs: int | None = None


def task_network(config: Source, as_path: AsPath = str, checkpoint: str | None = None) -> TaskNetwork:
    """
    The checkpoint is `load`; or that of `load_epoch` or `epoch` under `model`, if it exists.

    :param as_path: makes a path object of a file
    :param checkpoint: a file in place of `load`, `load_epoch` and `epoch`
    :raises BoulderError: if there is no network, or for an option that changes it and is not supported
    """
    with named(config):
        options = given_options(config)
        for line in refusals({key: options[key] for key in _REFUSED if key in options}):
            raise ConfigError(line)
        plan = planned(config)
        epoch = max(config.config.int("load_epoch", 0) or 0, config.config.int("epoch", 0) or 0)
        load = checkpoint or config.config.opt_typed_value("load") or _of_model(config, epoch)
        if not load:
            return TaskNetwork(network=plan.phases[-1].network, sources=None, epoch=0)
        sources = [*preloads(config, as_path, for_training=False), whole(config, load, as_path)]
        if (checkpoint or epoch < 1) and isinstance(load, str | os.PathLike):
            epoch = epoch_of(os.fspath(load)) or 0
        last = min(epoch or plan.num_epochs, plan.num_epochs)
        return TaskNetwork(network=plan.phase(last).network, sources=sources, epoch=epoch)


def _of_model(config: Source, epoch: int) -> str | None:
    """:return: RETURNN's checkpoint of an epoch under `model`; None if it does not exist"""
    model = config.config.opt_typed_value("model")
    if not isinstance(model, str) or epoch < 1:
        return None
    folder = config.file.absolute().parent
    names = [str(folder / checkpoint_name(of, epoch)) for of in (model, f"{model}.pretrain")]
    return next((name for name in names if os.path.exists(main_file(name))), None)


def data_of_task(
    config: Source, option: str, default: tuple[str, ...], name: str | None = None, as_path: AsPath = str
) -> tuple[str, dict[str, Any]]:
    """
    :param option: of the config, that names or describes the data set; "" for none
    :param default: names of data sets of which the first that the config has is taken, if it does not set the option
    :param name: of a data set, in place of the option
    :param as_path: makes a path object of a file
    :return: name and description of the data set
    :raises ConfigError: if there is no such data set, or if Boulder cannot read it
    """
    options = given_options(config)
    value: Any = name or options.get(option) or next((key for key in default if options.get(key)), default[0])
    with named(config):
        if isinstance(value, str):
            key = value.removeprefix("config:")
            known = _described(options)
            if not known.get(key):
                raise ConfigError(
                    f"{repr(option) if option else 'data'}: found {value!r}, which is no data set of the config, expected "
                    f"{', '.join(known) or 'a dict'}{nearest(key, known)}"
                )
            value = known[key]
        else:
            key = option
        folder = config.file.absolute().parent
        foreign = ForeignData(options, folder, config.with_config)
        value = data_dict(value, repr(key), options, config.config.typed_dict)
        description = data_description(value, repr(key), folder, as_path, foreign)
    assert description is not None  # it is not empty
    return key.removesuffix("_data"), description


def _described(options: Mapping[str, Any]) -> dict[str, Any]:
    """:return: name → description, of all data sets of the config, its own variables included"""
    variables = {key: value for key, value in options.items() if isinstance(value, Mapping) and "class" in value}
    of_eval = options.get("eval_datasets")
    named = {key: options[key] for key in _DATA_SETS if options.get(key)}
    return named | variables | (dict(of_eval) if isinstance(of_eval, Mapping) else {})


def batch_options(config: Source, key: str = "batch_size") -> BatchOptions:
    """
    :param key: option with the size in frames; `batch_size` stands in for it
    :raises ConfigError: for a size that is not positive
    """
    options = given_options(config)
    size: Any = options.get(key) or options.get("batch_size") or _DEFAULT_BATCH_SIZE
    sizes = size.values() if isinstance(size, Mapping) else [size]
    if not sizes or not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in sizes):
        raise ConfigError(f"{config.file}: {key!r}: found {size!r:.60}, expected a positive number of frames")
    max_seqs = config.config.int("max_seqs", -1) or -1
    return BatchOptions(batch_size=size, max_seqs=None if max_seqs < 1 else max_seqs)


def described(config: Source, network: Mapping[str, Any], search: bool) -> NetworkSpec:
    """
    :param search: whether the network searches
    :raises NetworkError: for a wrong network, or one that differs from RETURNN's for the config's `behavior_version`
    """
    spec = describe(dict(network), config.extern_data, mode="search" if search else "eval")
    check_axes(spec, check_version(config.config.typed_value("behavior_version")))
    return spec


def forward_layer(config: Source, network: Mapping[str, Any], search: bool = False, layer: str | None = None) -> str:
    """
    :param search: whether the network searches
    :param layer: name of a layer in place of `forward_output_layer`
    :return: name of the layer that the tasks `forward` and `compute_priors` read
    :raises NetworkError: if it does not exist
    :raises ConfigError: for an option of RETURNN's that has another meaning there
    """
    options = given_options(config)
    layer = layer or str(options.get("forward_output_layer") or "output")
    with named(config):
        if callback := options.get("forward_callback"):
            raise ConfigError(
                f"'forward_callback': found {callback!r:.60}; Boulder writes the outputs of layers, chosen by "
                "'forward_output_layer'"
            )
        layer_of(described(config, network, search), layer)
    return layer


@contextmanager
def named(config: Source, where: str = "") -> Iterator[None]:
    """Context in which the messages of errors begin with the name of the config file."""
    prefix = f"{config.file}: {where}"
    try:
        yield
    except BoulderError as error:
        if str(error).startswith(str(config.file)):
            raise
        raise type(error)(f"{prefix}{error}") from error
