"""The data sets of the phases of a training run."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from boulder.data import Dataset, open_dataset
from boulder.errors import DataError
from boulder.network import describe
from boulder.training.phase import TrainingPhase
from boulder.training.streams_to_read import StreamsToRead


class PhaseData:
    """
    Opens the data sets of a phase. Those that the next phase uses as well stay open, the others are closed.

    :param extern_data: streams of the network
    """

    def __init__(self, extern_data: dict[str, Any]) -> None:
        self._extern_data = extern_data
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
        try:
            descriptions = [phase.train, *phase.scored_data.values()]
            streams = StreamsToRead.of(phase, describe(phase.network, self._extern_data), self._extern_data).in_all(
                descriptions
            )
            wanted = [(description, streams) for description in descriptions]
            for key, dataset in self._opened:
                if key not in wanted:
                    dataset.close()
            self._opened = [opened for opened in self._opened if opened[0] in wanted]
            train = self._open(phase.train, streams)
            return train, {name: self._open(d, streams) for name, d in phase.scored_data.items()}
        except DataError as error:
            raise DataError(f"{phase.index_name}: {error}") from error

    def _open(self, description: dict[str, Any], streams: frozenset[str]) -> Dataset:
        for key, dataset in self._opened:
            if key == (description, streams):
                return dataset
        dataset = open_dataset(description, self._extern_data, streams)
        dataset.check()
        dataset.check_not_empty()
        self._opened.append(((description, streams), dataset))
        return dataset
