"""Files that `hdf_dump` layers write in a phase and that data sets of later phases read, as outputs and inputs of jobs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from boulder.errors import ConfigError, named, nearest
from boulder.network import NetworkSpec
from boulder.training.dump_files import DumpPass, by_file, dump_passes
from boulder.training.phase import TrainingPhase
from boulder.training.replacing_files import with_data_files, with_files
from jobs.phase_training import PhaseTrainingJob
from sisyphus import tk


class DumpedFiles:
    """
    Connects the jobs of a pipeline. Data sets name a file as `filename` of the layer does.

    :param phases: in order
    :param specs: first epoch of a phase → its network
    :raises BoulderError: if a phase would replace a file of an earlier one
    """

    def __init__(self, phases: Sequence[TrainingPhase], specs: Mapping[int, NetworkSpec]) -> None:
        self._specs = specs
        files: dict[str, list[DumpPass]] = {}
        passes: list[DumpPass] = []
        for phase in phases:
            with named(phase.index_name):
                passes += dump_passes(phase, specs[phase.start])
                files = by_file(passes)
        for file, (first, *_) in files.items():
            if first.extends and not tk.Path(file).available():
                raise ConfigError(
                    f"layer {first.layer!r} (hdf_dump): 'extend_existing_file' is True, but there is no {file!r}, and no earlier "
                    "phase writes it"
                )
        self._written = files
        self._paths: dict[str, tk.Path] = {}

    def read_by(self, phase: TrainingPhase) -> set[str]:
        """:return: files of earlier phases"""
        return {file for file, passes in self._written.items() if passes[0].phase < phase.start}

    def reads_any(self, phase: TrainingPhase, description: Any) -> bool:
        """:return: whether a data set of a phase reads a file of an earlier one"""
        files, found = self.read_by(phase), []
        with_files(description, lambda file: found.append(file) if file in files else None)
        return bool(found)

    def about_missing(self, phase: TrainingPhase, description: Any) -> str:
        """
        :param description: of a data set of a phase
        :return: the end of a message about a file that is not there: the phases that write it, or the files that are written
        """
        missing: list[str] = []
        with_files(description, lambda file: None if os.path.exists(file) else missing.append(file))
        for file in missing:
            if file in self._written:
                first = self._written[file][0].phase
                return (
                    f"; {file!r} is first written in the phase that starts with epoch {first}, expected an earlier one"
                )
            written = nearest(os.path.basename(file), self.read_by(phase), "an earlier phase writes")
            if written:
                return written.removesuffix("?")
        return ""

    def of_job(self, part: Iterable[TrainingPhase]) -> list[TrainingPhase]:
        """
        :param part: the phases of the next job
        :return: the phases, whose data sets read the outputs of earlier jobs. Files of the same job stay as names
        """
        here: dict[str, DumpPass] = {}
        result = []
        for phase in part:
            earlier = self._paths | {file: file for file in here}
            extended = {}
            for one in dump_passes(phase, self._specs[phase.start]):
                first = self._written[one.file][0]
                if one.file not in here and (one.extends or one != first):
                    extended[one.file] = self._paths.get(one.file) or tk.Path(one.file)
                here.setdefault(one.file, one)
            result.append(replace(with_data_files(phase, earlier.get), extended=extended))
        return result

    def made_by(self, job: PhaseTrainingJob, part: Iterable[TrainingPhase]) -> None:
        """
        Declare the files that a job writes.

        :param part: its phases
        """
        files = {one.file for phase in part for one in dump_passes(phase, self._specs[phase.start])}
        self._paths |= job.writes(files)
