"""Writes the files of `hdf_dump` layers during a training.

The rows of a pass over data go to a spool, whose size is part of each checkpoint. Complete files are made of spools, under a
temporary name that is then renamed. So a job that is killed and resumed writes the same files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from boulder.atomic_file import link
from boulder.data import HdfWriter, open_dataset
from boulder.errors import DataError
from boulder.lazy import TFTensor
from boulder.network import describe
from boulder.training.dump_files import DumpPass, by_file, dump_passes, output_name
from boulder.training.dump_spool import Spool, rows_of_spool
from boulder.training.dumped_layer import dumped_layers
from boulder.training.phase import TrainingPhase
from boulder.training.replacing_files import with_data_files


class Dumps:
    """
    The files that a job writes.

    :param phases: of the job
    :param folder: of the spools, and of the files of each phase
    :param output: folder of the complete files
    """

    def __init__(
        self, phases: Sequence[TrainingPhase], extern_data: dict[str, Any], folder: Path, output: Path | None
    ) -> None:
        specs = [(phase, describe(phase.network, extern_data)) for phase in phases if _may_dump(phase.network)]
        self._files = by_file(one for phase, spec in specs for one in dump_passes(phase, spec))
        self._layers = {phase.start: dumped_layers(spec) for phase, spec in specs}
        self._extended = {file: path for phase in phases for file, path in phase.extended.items()}
        self._folder, self._output = folder, output
        self._open: dict[str, Spool] = {}
        self._passes: list[DumpPass] = []

    def with_files_of_job(self, phase: TrainingPhase) -> TrainingPhase:
        """:return: the phase, whose data sets read what earlier phases of the job have written"""

        def version(file: str) -> str | None:
            starts = [one.phase for one in self._files.get(file, ()) if one.phase < phase.start]
            return str(self._version(file, starts[-1])) if starts else None

        if not self._files:
            return phase
        return with_data_files(phase, version)

    def begin(self, epoch: int, data: str, sizes: Mapping[str, int] | None = None) -> None:
        """
        Begin a pass over a data set, or go on with it.

        :param sizes: of `sizes`, of the checkpoint from which it goes on
        """
        self.close()
        every = (one for passes in self._files.values() for one in passes)
        self._passes = [one for one in every if (one.epoch, one.data) == (epoch, data)]
        self._open = {one.layer: Spool(self._spool(one), (sizes or {}).get(one.layer, 0)) for one in self._passes}

    def add(self, tags: Sequence[str], dumped: Mapping[str, Sequence[TFTensor]]) -> None:
        """
        Add a batch.

        :param dumped: name of a layer → its `DumpedLayer.tensors`
        """
        for one in self._passes:
            arrays = [tensor.numpy() for tensor in dumped[one.layer]]
            for tag, row in zip(tags, self._layers[one.phase][one.layer].rows(arrays), strict=True):
                self._open[one.layer].append(tag, row)

    @property
    def sizes(self) -> dict[str, int]:
        """Layer → size of its spool: part of a checkpoint."""
        return {layer: spool.size for layer, spool in self._open.items()}

    def sync(self) -> None:
        """Flush to the disk, before a checkpoint is written."""
        for spool in self._open.values():
            spool.sync()

    def end(self) -> None:
        """End a pass, and write the files that are complete after it."""
        self.sync()  # checkpoints of later passes count on these rows
        self.close()
        for one in self._passes:
            if one.per_run:
                self._write(one)
        self._passes = []

    def end_phase(self, phase: TrainingPhase, epoch: int) -> None:
        """
        Write the files that are complete after a phase.

        :param epoch: its last one
        """
        for passes in self._files.values():
            mine = [one for one in passes if one.phase == phase.start and one.epoch <= epoch and not one.per_run]
            if mine:
                self._write(mine[-1])

    def fill(self) -> None:
        """Write files without sequences where training had stopped before: what comes later needs them."""
        for file, passes in self._files.items():
            if self._output and not (self._output / output_name(file)).exists():
                self._save(passes[-1], iter(()))

    def close(self) -> None:
        for spool in self._open.values():
            spool.close()
        self._open = {}

    def _write(self, last: DumpPass) -> None:
        """Write the file that a pass completes."""
        passes = self._files[last.file]
        self._save(last, self._rows(last, passes[: passes.index(last) + 1]))

    def _rows(self, last: DumpPass, passes: Sequence[DumpPass]) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
        streams = self._layers[last.phase][last.layer].streams
        if last.file in self._extended:
            path = self._extended[last.file]
            with open_dataset([path], streams) as dataset:
                dataset.check()
                for index in range(dataset.num_seqs):
                    yield dataset.tag(index), dataset.read(index)
        for one in passes:
            if sorted(self._layers[one.phase][one.layer].streams) != sorted(streams):
                raise DataError(
                    f"{last.file}: layers {one.layer!r} and {last.layer!r} write other streams, expected the same"
                )
            yield from rows_of_spool(self._spool(one), sorted(streams))

    def _save(self, last: DumpPass, rows: Iterator[tuple[str, dict[str, np.ndarray]]]) -> None:
        layer, path = self._layers[last.phase][last.layer], self._version(last.file, last.phase)
        path.parent.mkdir(parents=True, exist_ok=True)
        with HdfWriter(path, layer.streams, {"data": layer.labels} if layer.labels else None) as writer:
            for tag, row in rows:
                writer.write(tag, row)
        if self._output:
            named = self._output / output_name(last.file)
            try:
                named.parent.mkdir(parents=True, exist_ok=True)
                link(path, named)
            except OSError as error:
                raise DataError(f"{named}: cannot be written: {error.strerror}") from error

    def _spool(self, one: DumpPass) -> Path:
        return self._folder / "spools" / f"{one.epoch:06d}.{one.data}.{one.layer.replace('/', '+')}.rows"

    def _version(self, file: str, phase: int) -> Path:
        return self._folder / f"{phase:06d}" / output_name(file)


def _may_dump(network: Any) -> bool:
    """:return: whether a net dict has an `hdf_dump` layer, perhaps in a subnetwork"""
    if isinstance(network, Mapping):
        return network.get("class") == "hdf_dump" or any(map(_may_dump, network.values()))
    return False
