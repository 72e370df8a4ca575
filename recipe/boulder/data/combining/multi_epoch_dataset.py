"""`MultiEpochDataset`: an epoch is several epochs of another data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from boulder.data.combining.nested import refuse_order_of
from boulder.data.combining.wrapping_dataset import WrappingDataset
from boulder.data.dataset import dataset_class
from boulder.data.option_checks import check_integer
from boulder.data.read_sequence import ReadSequence
from boulder.errors import DataError


@dataset_class("MultiEpochDataset")
@dataclass(kw_only=True, eq=False)
class MultiEpochDataset(WrappingDataset):
    """
    :param multi_epoch: number of epochs of the inner data set in an epoch
    """

    multi_epoch: int

    def __post_init__(self) -> None:
        super().__post_init__()
        check_integer("multi_epoch", self.multi_epoch, lowest=1)
        refuse_order_of(self, self.dataset, "'dataset'")

    def epoch_order(self, epoch: int, seed: int, default: str) -> np.ndarray:
        # RETURNN's training default `batching` does not reach an inner data set
        return np.concatenate([self.inner.epoch_order(e, seed, "default") for e in self._inner_epochs(epoch)])

    def sequences(self, epoch: int, seed: int, default: str, start: int = 0) -> Iterator[ReadSequence]:
        for inner_epoch in self._inner_epochs(epoch):
            order = self.inner.epoch_order(inner_epoch, seed, "default")
            yield from self.inner.in_order(order, inner_epoch, seed, min(start, len(order)))
            start = max(0, start - len(order))

    def in_order(self, order: np.ndarray, epoch: int, seed: int, start: int = 0) -> Iterator[ReadSequence]:
        if self.streamed:  # the order does not tell where an inner epoch begins, with its own random numbers
            raise DataError(
                "MultiEpochDataset: found a data set around it, and one within it whose sequences differ between epochs, "
                "expected the MultiEpochDataset around both"
            )
        return super().in_order(order, epoch, seed, start)

    def order_key(self, epoch: int) -> tuple:
        return tuple(self.inner.order_key(e) for e in self._inner_epochs(epoch))

    def _inner_epochs(self, epoch: int) -> Iterator[int]:
        return iter(range((epoch - 1) * self.multi_epoch + 1, epoch * self.multi_epoch + 1))
