"""The phases of a plan as training jobs receive them, checked without TensorFlow and without opening data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from boulder.data import canonical_description, read_extern_data
from boulder.data.batches import check_limits
from boulder.data.sequence_order import check_order
from boulder.errors import ConfigError, NetworkError, nearest
from boulder.network import NetworkSpec, describe, uses_streams
from boulder.schedule import Phase
from boulder.training.learning_rate import LearningRateControl, learning_rate_keys
from boulder.training.phase import TrainingPhase
from boulder.training.training_options import TrainingOptions

DATA_KEYS = ("train", "dev")
"""The keys of `#config` that replace the data sets of a phase, with RETURNN's names."""


@dataclass(frozen=True, kw_only=True)
class PhaseMaker:
    """
    :param config: training options and learning rates, without the overrides of phases
    :param extern_data: data streams of the network
    :param train: canonical description of the data to train on
    :param dev: canonical description of the data to score; None for none
    :param function_options: keys of a `#config` that only functions of the network read
    :param elsewhere: keys of a `#config` that the caller reads
    :param as_path: makes a path object of a file in a `#config`
    """

    config: Mapping[str, Any]
    extern_data: Mapping[str, Any]
    train: dict[str, Any]
    dev: dict[str, Any] | None = None
    function_options: Collection[str] = ()
    elsewhere: Collection[str] = ()
    as_path: Callable[[str], object] = str

    def network(self, phase: Phase) -> NetworkSpec:
        """:raises NetworkError: if the network is wrong, or there is nothing to train"""
        spec = describe(phase.network, dict(self.extern_data))
        if not spec.losses:
            raise NetworkError("no layer has a loss (of a scale other than 0), so there is nothing to train")
        if not uses_streams(spec):
            raise NetworkError("no layer reads any data")
        return spec

    def phase(self, phase: Phase, rates: LearningRateControl) -> TrainingPhase:
        """
        :param rates: learning rates of all epochs of the plan
        :raises BoulderError: for a wrong option or data set
        """
        elsewhere = {*self.elsewhere, *DATA_KEYS}
        ignored = {*learning_rate_keys(), *self.function_options}
        known = {*elsewhere, *ignored, *(field.name for field in fields(TrainingOptions))}
        for key in phase.config:
            if key not in known:
                raise ConfigError(f"config: the training does not know {key!r}{nearest(key, known)}")
        overrides = {key: value for key, value in phase.config.items() if key not in elsewhere}
        result = TrainingPhase.planned(
            phase,
            config={key: value for key, value in {**self.config, **overrides}.items() if key not in ignored},
            learning_rate_control=rates.restricted_to(phase.epochs),
            train=self._data(phase, "train", self.train),
            dev=self._data(phase, "dev", self.dev),
        )
        check_order(result.options.batching, "config: batching")
        check_limits(result.options.batch_size, read_extern_data(self.extern_data), "batch_size")
        return result

    def _data(self, phase: Phase, key: str, default: dict[str, Any] | None) -> Any:
        """:return: the data set of a phase, which `#config` may replace"""
        if key not in phase.config:
            return default
        value: Any = phase.config[key]
        if key == "dev" and is_no_data(value):
            return None
        return canonical_description(value, key, as_path=self.as_path, ordered=key == "train")


def is_no_data(data: object) -> bool:
    """:return: whether it is None or an empty list"""
    return data is None or (isinstance(data, list | tuple) and not data)
