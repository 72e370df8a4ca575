"""Which HDF files the `hdf_dump` layers of phases write, in which passes over data. Pure Python, known before any job."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from boulder.errors import ConfigError
from boulder.network import NetworkSpec
from boulder.network.layers.hdf_dump import HdfDump
from boulder.training.phase import TrainingPhase


@dataclass(frozen=True)
class DumpPass:
    """
    What a layer writes in a pass over a data set.

    :param layer: its name
    :param file: name of the file, as the network has it, see `file_name`
    :param phase: first epoch of the phase
    :param data: "train", "dev", …
    :param extends: whether the file exists before
    :param per_run: whether the file is complete after this pass, otherwise after the phase
    """

    layer: str
    file: str
    phase: int
    epoch: int
    data: str
    extends: bool
    per_run: bool

    def continues(self, earlier: DumpPass) -> bool:
        """:return: whether the file keeps what the earlier pass has written"""
        return self.extends or (not self.per_run and self.phase == earlier.phase)


def dump_layers(spec: NetworkSpec) -> dict[str, HdfDump]:
    """:return: name → layer"""
    return {name: layer.layer for name, layer in spec.layers.items() if isinstance(layer.layer, HdfDump)}


def dump_passes(phase: TrainingPhase, spec: NetworkSpec) -> list[DumpPass]:
    """
    :param spec: network of the phase
    :return: in the order of the training
    :raises ConfigError: for a wrong file name
    """
    return [
        DumpPass(
            layer=name,
            file=file_name(layer.filename, layer.dump_per_run, epoch, data, name),
            phase=phase.start,
            epoch=epoch,
            data=data,
            extends=layer.extend_existing_file,
            per_run=layer.dump_per_run,
        )
        for epoch in phase.epochs
        for data in ("train", *phase.scored_data)
        for name, layer in dump_layers(spec).items()
    ]


def by_file(passes: Iterable[DumpPass]) -> dict[str, list[DumpPass]]:
    """
    :param passes: in the order of the training
    :return: file → passes that write it
    :raises ConfigError: if a pass would replace a file, which RETURNN refuses
    """
    files: dict[str, list[DumpPass]] = {}
    outputs: dict[str, str] = {}
    for one in passes:
        if (other := outputs.setdefault(output_name(one.file), one.file)) != one.file:
            raise ConfigError(
                f"layer {one.layer!r} (hdf_dump): {one.file!r} and {other!r} are both {output_name(one.file)} in the folder of a "
                "job, expected different names"
            )
        earlier = files.setdefault(one.file, [])
        if earlier and (earlier[-1].epoch, earlier[-1].data) == (one.epoch, one.data):
            raise ConfigError(
                f"layers {earlier[-1].layer!r} and {one.layer!r} (hdf_dump): both write {one.file!r}, expected two files"
            )
        if earlier and not one.continues(earlier[-1]):
            raise ConfigError(
                f"layer {one.layer!r} (hdf_dump): {one.file!r} is written for {earlier[-1].data!r} in epoch {earlier[-1].epoch}, and "
                f"again for {one.data!r} in epoch {one.epoch}; expected {{epoch}} and {{dataset_name}} in 'filename', "
                "'extend_existing_file': True, or without 'dump_per_run' one file per phase"
            )
        earlier.append(one)
    return files


def file_name(filename: str | Callable[..., Any], per_run: bool, epoch: int, data: str, layer: str) -> str:
    """
    :param filename: option of the layer
    :param per_run: whether it depends on the pass
    :return: the name that data sets of later phases have for the file, without `./` and `//`
    :raises ConfigError: if it cannot be formed
    """
    found: object = filename
    try:
        if callable(filename):
            found = filename(epoch=epoch, dataset_name=data)
        elif per_run:
            found = filename.format_map({"epoch": epoch, "dataset_name": data})
    except KeyError as error:
        raise ConfigError(
            f"layer {layer!r} (hdf_dump): 'filename': found {error} in it, expected {{epoch}} or {{dataset_name}}"
        ) from error
    except Exception as error:
        raise ConfigError(
            f"layer {layer!r} (hdf_dump): 'filename' for epoch={epoch}, dataset_name={data!r}: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(found, str) or not found or found.endswith("/"):
        raise ConfigError(
            f"layer {layer!r} (hdf_dump): 'filename': found {found!r:.60}, expected the name of an HDF file"
        )
    return os.path.normpath(found)


def output_name(file: str) -> str:
    """:return: where a job has the file, within its folder of dumped files: `align/a.hdf` for /data/align/a.hdf, too"""
    return "/".join("up" if part == ".." else part for part in file.split("/") if part)
