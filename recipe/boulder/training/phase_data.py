"""The data sets of the phases of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from boulder.data import Dataset, open_dataset
from boulder.errors import DataError
from boulder.training.phase import TrainingPhase


class PhaseData:
    """
    Opens the data sets of a phase. Those that the next phase uses as well stay open, the others are closed.

    :param extern_data: streams of the network
    """

    def __init__(self, extern_data: Mapping[str, Any]) -> None:
        self._extern_data = extern_data
        self._opened: list[tuple[dict[str, Any], Dataset]] = []

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
        wanted = [phase.train, *phase.scored_data.values()]
        for description, dataset in self._opened:
            if description not in wanted:
                dataset.close()
        self._opened = [opened for opened in self._opened if opened[0] in wanted]
        return self._open(phase.train, phase), {name: self._open(d, phase) for name, d in phase.scored_data.items()}

    def _open(self, description: dict[str, Any], phase: TrainingPhase) -> Dataset:
        for known, dataset in self._opened:
            if known == description:
                return dataset
        try:
            dataset = open_dataset(description, self._extern_data)
            dataset.check()
            dataset.check_not_empty()
        except DataError as error:
            raise DataError(f"{phase.index_name}: {error}") from error
        self._opened.append((description, dataset))
        return dataset
