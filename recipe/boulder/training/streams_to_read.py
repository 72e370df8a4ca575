"""Which streams of its data sets a phase opens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from boulder.data import open_dataset
from boulder.network import NetworkSpec, uses_streams
from boulder.training.phase import TrainingPhase


@dataclass(frozen=True)
class StreamsToRead:
    """
    :param read: streams that the network reads, and those that decide an order: each data set must have them
    :param counted: streams that only count in the sizes of batches, if all data sets have them. Where batches are formed as in
        RETURNN, the lengths of all streams count anyway, without reading them
    """

    read: frozenset[str]
    counted: frozenset[str]

    @classmethod
    def of(cls, phase: TrainingPhase, spec: NetworkSpec, extern_data: Mapping[str, Any]) -> StreamsToRead:
        """:param spec: network of the phase"""
        descriptions = [phase.train, *phase.scored_data.values()]
        read = uses_streams(spec) | {found["order_by"] for found in descriptions if "order_by" in found}
        others = set() if phase.options.returnn_batches else extern_data.keys() - read
        return cls(frozenset(read), frozenset(others))

    def in_all(self, descriptions: Iterable[Mapping[str, Any]]) -> frozenset[str]:
        """
        :param descriptions: of data sets that exist
        :return: the streams to open each of them with
        :raises DataError: if one cannot be read
        """
        counted = self.counted
        for description in descriptions if counted else ():
            with open_dataset(description) as dataset:
                if not dataset.streamed:  # otherwise lengths are known once sequences are read
                    dataset.check()
                    counted &= dataset.streams.keys()
        return self.read | counted
