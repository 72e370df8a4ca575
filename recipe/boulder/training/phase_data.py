"""The data sets of the phases of a training run."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from boulder.data import Dataset, open_dataset
from boulder.errors import DataError, named
from boulder.network import describe
from boulder.training.data_files import FileState, file_states
from boulder.training.dumps import Dumps
from boulder.training.phase import TrainingPhase
from boulder.training.streams_to_read import StreamsToRead


class PhaseData:
    """
    Opens the data sets of a phase. Those that the next phase uses as well stay open, the others are closed.

    :param extern_data: streams of the network
    :param dumps: files that phases of this job write
    """

    def __init__(self, extern_data: dict[str, Any], dumps: Dumps | None = None) -> None:
        self._extern_data, self._dumps = extern_data, dumps
        self._states: dict[str, FileState | None] = {}
        self._opened: list[tuple[tuple[dict[str, Any], frozenset[str]], Dataset]] = []

    def __enter__(self) -> PhaseData:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, dataset in self._opened:
            dataset.close()
        self._opened = []

    def of(self, phase: TrainingPhase) -> tuple[Dataset, dict[str, Dataset]]:
        """
        :return: the data set to train on, and those to score by name, checked
        :raises DataError: if one cannot be read, has other streams than the network, or has no sequences
        """
        with named(phase.index_name):
            if self._dumps is not None:
                phase = self._dumps.with_files_of_job(phase)
            descriptions = {"train": phase.train, **phase.scored_data}
            spec = describe(phase.network, self._extern_data)
            to_read = StreamsToRead.of(phase, spec, self._extern_data)
            streams_of = []
            for name, description in descriptions.items():
                with named(f"{name} data"):
                    streams_of.append(to_read.in_all([description]))
            streams = frozenset.intersection(*streams_of)
            wanted = [(description, streams) for description in descriptions.values()]
            for key, dataset in self._opened:
                if key not in wanted:
                    dataset.close()
            self._opened = [opened for opened in self._opened if opened[0] in wanted]
            opened = {}
            for name, description in descriptions.items():
                with named(f"{name} data"):
                    opened[name] = self._open(description, streams)
            return opened.pop("train"), opened

    def check_unchanged(self) -> None:
        """:raises DataError: if a file has changed since it was opened; names it"""
        for description, _ in [key for key, _ in self._opened]:
            for path, state in file_states(description).items():
                if state != self._states.get(path):
                    found = "another file than at the start of this job" if state else "no such file any more"
                    raise DataError(
                        f"{path}: found {found}, expected the same data in all epochs of a phase; restore it to resume, "
                        "or rerun the phase with `boulder rerun`"
                    )

    def _open(self, description: dict[str, Any], streams: frozenset[str]) -> Dataset:
        for key, dataset in self._opened:
            if key == (description, streams):
                return dataset
        self._states |= file_states(description)
        dataset = open_dataset(description, self._extern_data, streams)
        dataset.check()
        dataset.check_not_empty()
        self._opened.append(((description, streams), dataset))
        return dataset
