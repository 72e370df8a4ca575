"""Files that `hdf_dump` layers of a config write: data sets of later phases keep their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from boulder.errors import ConfigError
from boulder.returnn.data_sets import DataSets
from boulder.schedule import Plan
from boulder.training.dump_files import file_name
from boulder.training.phase_making import EVAL_DATASETS


def knowing_dumped_files(data_sets: DataSets, plan: Plan) -> DataSets:
    """
    :return: data sets that name a file which a phase writes as its layer does, so that it is found among the outputs of jobs.
        As other relative names, it starts from the folder of the config
    """
    files = {str(data_sets.folder / file): file for file in _dumped_files(data_sets, plan)}
    as_path = data_sets.as_path
    return replace(data_sets, as_path=lambda path: as_path(files.get(path, path))) if files else data_sets


def dumped_files(data_sets: DataSets, plan: Plan) -> frozenset[str]:
    """:return: names of the files that layers write"""
    return frozenset(_dumped_files(data_sets, plan))


def _dumped_files(data_sets: DataSets, plan: Plan) -> Iterator[str]:
    names = ["train"]
    for options in (data_sets.options, *(phase.config for phase in plan.phases)):
        further: Any = options.get(EVAL_DATASETS)
        names += [key for key in ("dev", "eval") if key in options]
        names += further if isinstance(further, Mapping) else []
    for phase in plan.phases:
        for name, layer in _dumps(phase.network):
            for epoch in phase.epochs:
                for data in dict.fromkeys(names):
                    try:
                        yield file_name(layer["filename"], bool(layer.get("dump_per_run")), epoch, data, name)
                    except (ConfigError, KeyError):  # reported where the network is checked
                        continue


def _dumps(network: Any, name: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(network, Mapping):
        if network.get("class") == "hdf_dump":
            yield name, network
        for key, value in network.items():
            yield from _dumps(value, str(key))
