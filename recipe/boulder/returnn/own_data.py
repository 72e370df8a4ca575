"""Other data in place of the data sets of a RETURNN config, so that a published network is tried on data at hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from boulder.data import canonical_description
from boulder.data.dataset import dataset_classes
from boulder.returnn.data_sets import with_absolute_paths
from boulder.returnn.notices import Notice
from boulder.returnn.source import Source
from boulder.schedule import Plan
from boulder.training.phase_making import ALL_DATA, DATA_KEYS, is_no_data

_WHAT = ("class", "files", "datasets", "data_map", "path", "targets", "audio")
"""Options that say which data a set reads; the others say how."""


class Replaceable(Source, Protocol):
    """
    A `ReturnnConfig`.

    :ivar own_data: "train", "dev" → the data that takes the place of the config's; then the data sets in `#config` count no more
    """

    own_data: dict[str, Any]


def use_own_data(config: Replaceable, data: Mapping[str, object], folder: Path) -> list[Notice]:
    """
    Let a config train on other data. With `train`, all data sets of the config are replaced; with `dev` alone, only that one.

    :param config: changed in place
    :param data: "train", "dev" → path, list of paths, or RETURNN's dict of a data set; None: not given; []: no data
    :param folder: that relative paths start from
    :return: what is left out
    :raises DataError: if a value is no data set
    """
    given = {key: _described(data[key], key, folder) for key in DATA_KEYS if data.get(key) is not None}
    if not given:
        return []
    replaced = dict.fromkeys(ALL_DATA if "train" in given else given) | given
    notices = [*_of_config(config, replaced), *_of_phases(config.plan(), replaced)]
    for key, value in replaced.items():
        if value is not None or config.config.has(key):
            config.config.set(key, value)
    config.own_data = replaced
    return notices


def without_replaced(plan: Plan, own_data: Mapping[str, Any]) -> Plan:
    """:return: the plan without the data sets in `#config` that are replaced"""
    kept = ({key: value for key, value in phase.config.items() if key not in own_data} for phase in plan.phases)
    phases = (replace(phase, config=config) for phase, config in zip(plan.phases, kept, strict=True))
    return replace(plan, phases=tuple(phases))


def _described(value: Any, key: str, folder: Path) -> Any:
    if is_no_data(value):
        return None
    if not isinstance(value, Mapping):
        value = canonical_description(value, key)
    if value.get("class") not in dataset_classes():
        return dict(value)
    return with_absolute_paths(value, key, folder)


def _of_config(config: Source, replaced: Mapping[str, Any]) -> Iterator[Notice]:
    for key, value in replaced.items():
        old: Any = config.values.get(key)
        if not isinstance(old, Mapping) or not old:
            continue
        text = (
            "other data takes its place"
            if value is not None
            else "left out, since other data takes the place of 'train'"
        )
        how = [option for option in old if option not in _WHAT and option not in (value or {})]
        if how and key != "eval_datasets":
            text += f"; so its {', '.join(how)} have no effect"
        yield Notice(key, text)


def _of_phases(plan: Plan, replaced: Mapping[str, Any]) -> Iterator[Notice]:
    for key in replaced:
        count = sum(key in phase.config for phase in plan.phases)
        if count:
            yield Notice(
                key, f"in '#config' of {count} of {len(plan.phases)} phases: left out, since other data takes its place"
            )
