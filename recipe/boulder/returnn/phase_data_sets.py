"""The data sets of the phases of a RETURNN config, of which some outlast their phase."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from boulder.returnn.data_options import CHUNKING
from boulder.returnn.data_sets import DataSets
from boulder.training.phase_making import ALL_DATA, EVAL_DATASETS


class PhaseDataSets:
    """
    Follows RETURNN's engine: an option of a `#config` that the next phase does not set is set back to that of the config.
    `eval_datasets` set back changes only the data sets that the config names there. Others, which a `#config` has added, are
    scored from then on.

    :param data_sets: of the config
    """

    def __init__(self, data_sets: DataSets) -> None:
        self._data_sets = data_sets
        self._changed: dict[str, Any] = {}  # name of a data set, or option of the training → value, unlike the config's
        self._overridden: set[str] = set()

    def next(self, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """
        :param overrides: `#config` of the next phase
        :return: its data sets, as far as they are not those of the config, in the form of `DataSets.described`
        :raises ConfigError: see there
        """
        own: set[str] = set()
        keys = {key for key in ALL_DATA if key in overrides}
        for key in sorted(keys | self._overridden):
            of_key = _flat(self._data_sets.described(key, overrides if key in keys else None))
            if "train" in of_key:
                self._changed = {name: found for name, found in self._changed.items() if name not in CHUNKING}
            self._changed |= of_key
            own |= of_key.keys() if key in keys else set()
        self._overridden = keys
        of_phase = {name: self._changed[name] for name in own}
        self._changed = {name: found for name, found in self._changed.items() if self._of_config.get(name) != found}
        return _nested(self._changed | of_phase, EVAL_DATASETS in keys)

    @cached_property
    def _of_config(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in ALL_DATA:
            found |= _flat(self._data_sets.described(key))
        return found


def _flat(described: Mapping[str, Any]) -> dict[str, Any]:
    """:return: with the items of `eval_datasets` beside the others"""
    return {key: value for key, value in described.items() if key != EVAL_DATASETS} | described.get(EVAL_DATASETS, {})


def _nested(flat: Mapping[str, Any], with_further: bool) -> dict[str, Any]:
    known = {"train", "dev", "eval", *CHUNKING}
    further = {name: value for name, value in flat.items() if name not in known}
    return {key: value for key, value in flat.items() if key in known} | (
        {EVAL_DATASETS: further} if further or with_further else {}
    )
