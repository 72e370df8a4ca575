"""The phases of a plan as training jobs receive them, checked without TensorFlow and without opening data."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from boulder.data import canonical_description, open_dataset, read_extern_data
from boulder.data.order.sequence_order import check_order
from boulder.errors import ConfigError, DataError, NetworkError, nearest
from boulder.network import NetworkSpec, uses_streams
from boulder.network.described import described
from boulder.schedule import Phase
from boulder.training.keep import KEEP_KEYS
from boulder.training.learning_rate import LearningRateControl, learning_rate_keys
from boulder.training.phase import TrainingPhase
from boulder.training.stream_limits import check_stream_limits
from boulder.training.training_options import TrainingOptions

DATA_KEYS = ("train", "dev")
"""The keys of `#config` that replace the data sets of a phase, with RETURNN's names."""

EVAL_DATASETS = "eval_datasets"
"""The key of a dict by name of further data sets to score."""

EVAL_KEYS = ("eval", EVAL_DATASETS)
"""The keys of `#config` that add further data sets to score, or replace those of the same name."""

ALL_DATA = (*DATA_KEYS, *EVAL_KEYS)
"""The options of a config, and of a `#config`, that are data sets."""


@dataclass(frozen=True, kw_only=True)
class PhaseMaker:
    """
    :param config: training options and learning rates, without the overrides of phases
    :param extern_data: data streams of the network
    :param train: canonical description of the data to train on
    :param dev: canonical description of the data to score; None for none
    :param eval_datasets: name → canonical description of further data to score
    :param function_options: keys of a `#config` that only functions of the network read
    :param elsewhere: keys of a `#config` that the caller reads
    :param as_path: makes a path object of a file in a `#config`
    """

    config: Mapping[str, Any]
    extern_data: Mapping[str, Any]
    train: dict[str, Any]
    dev: dict[str, Any] | None = None
    eval_datasets: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    function_options: Collection[str] = ()
    elsewhere: Collection[str] = ()
    as_path: Callable[[str], object] = str

    def network(self, phase: Phase) -> NetworkSpec:
        """:raises NetworkError: if the network is wrong, or there is nothing to train"""
        spec = described(phase.network, dict(self.extern_data))
        if not any(loss.scale for loss in spec.losses.values()):
            raise NetworkError("no layer has a loss (of a scale other than 0), so there is nothing to train")
        if not uses_streams(spec):
            raise NetworkError("no layer reads any data")
        return spec

    def phase(self, phase: Phase, rates: LearningRateControl) -> TrainingPhase:
        """
        :param rates: learning rates of all epochs of the plan
        :raises BoulderError: for a wrong option or data set
        """
        elsewhere = {*self.elsewhere, *DATA_KEYS, *EVAL_KEYS}
        ignored = {*learning_rate_keys(), *self.function_options, *KEEP_KEYS}
        known = {*elsewhere, *ignored, *(option.name for option in fields(TrainingOptions))}
        for key in phase.config:
            if key in KEEP_KEYS and key not in self.function_options:
                raise ConfigError(f"config: {key!r} concerns the whole training, expected outside of '#config'")
            if key not in known:
                raise ConfigError(f"config: the training does not know {key!r}{nearest(key, known)}")
        overrides = {key: value for key, value in phase.config.items() if key not in elsewhere}
        result = TrainingPhase.planned(
            phase,
            config={key: value for key, value in {**self.config, **overrides}.items() if key not in ignored},
            learning_rate_control=rates.restricted_to(phase.epochs),
            train=self._data(phase, "train", self.train),
            dev=self._data(phase, "dev", self.dev),
            eval_datasets=self._further_data(phase),
        )
        check_order(result.options.batching, "config: batching")
        check_stream_limits(result.options, list(read_extern_data(self.extern_data)), _stream_names(result.train))
        return result

    def _data(self, phase: Phase, key: str, default: dict[str, Any] | None) -> Any:
        """:return: the data set of a phase, which `#config` may replace"""
        if key not in phase.config:
            return default
        value: Any = phase.config[key]
        if key == "dev" and is_no_data(value):
            return None
        return canonical_description(value, key, as_path=self.as_path, ordered=key == "train")

    def _further_data(self, phase: Phase) -> dict[str, Any]:
        """:return: name → further data set to score in the phase; None or [] in `#config` removes one"""
        given = eval_data_of(phase.config, "config")
        described = {
            name: canonical_description(data, f"eval_datasets: {name}", as_path=self.as_path, ordered=False)
            for name, data in given.items()
            if not is_no_data(data)
        }
        return {name: data for name, data in self.eval_datasets.items() if name not in given} | described


def _stream_names(description: dict[str, Any]) -> Collection[str] | None:
    """:return: of the data set, if they are known; a wrong description is told where the data is checked"""
    try:
        return open_dataset(description).stream_names
    except DataError:
        return None


def eval_data_of(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """
    :param options: of a config or a `#config`
    :return: name → data, of `eval` and `eval_datasets`
    :raises ConfigError: for a wrong name
    """
    given = options.get(EVAL_DATASETS) or {}
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: eval_datasets: found {given!r:.60}, expected a dict: name → data")
    check_data_names(given, f"{where}: eval_datasets")
    return ({"eval": options["eval"]} if "eval" in options else {}) | dict(given)


def check_data_names(names: Iterable[object], where: str) -> None:
    """:raises ConfigError: if one cannot be the name of a further data set, which becomes a part of the names of its scores"""
    for name in names:
        if not isinstance(name, str) or not re.fullmatch(r"[^\s/:]+", name):
            raise ConfigError(f"{where}: found the name {name!r:.60}, expected a word such as 'devtrain'")
        if name in DATA_KEYS:
            raise ConfigError(f"{where}: {name!r} is the name of other data; expected as the argument '{name}_data='")


def is_no_data(data: object) -> bool:
    """:return: whether it is None or an empty list"""
    return data is None or (isinstance(data, list | tuple) and not data)
