"""Batches split over the replicas of a network: each replica gets every n-th sequence, with padding of its own."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from boulder.data.batches import Batch
from boulder.data.dataset import Dataset
from boulder.data.feed import batches_of_epoch, tensor_spec
from boulder.lazy import TFTensor, tf


def share_of(seqs: np.ndarray, number: int, count: int) -> np.ndarray:
    """
    :param seqs: int [B], a batch
    :param number: number of the replica, below `count`
    :return: the replica's sequences; empty if the batch has too few
    """
    return seqs[number::count]


def shares_of_epoch(
    dataset: Dataset,
    batches: Sequence[np.ndarray],
    count: int,
    here: range,
    start: int = 0,
    num_workers: int | None = None,
) -> Iterator[list[dict[str, TFTensor]]]:
    """
    :param dataset: only the sequences of the shares in `here` are read from it
    :param batches: from `form_batches`
    :param count: number of all replicas
    :param here: numbers of the replicas to read for
    :param start: number of the first batch to read
    :param num_workers: see `batches_of_epoch`
    :return: for each batch, a share for each of `here`, as tensors: {"data": key → [B, T, …], "lengths": key → int32 [B]}
        and, with several replicas, "counts": bool scalar. It is False for an empty share, which holds one of the batch's
        sequences as a placeholder, since a network may not support a batch of size 0.
    """
    shares = _Shares(batches, count, here)
    ahead = batches_of_epoch(dataset, shares, start * len(here), parts=len(here), num_workers=num_workers)
    steps = zip(*[ahead] * len(here), strict=True)  # one iterator, `len(here)` batches at a time
    for seqs, parts in zip(batches[start:], steps, strict=True):
        yield [as_share(part, len(seqs) > number, count) for number, part in zip(here, parts, strict=True)]


class _Shares(Sequence[np.ndarray]):
    """
    The shares of all batches, one replica after the other within a batch. An empty one has a placeholder.

    See `shares_of_epoch`.
    """

    def __init__(self, batches: Sequence[np.ndarray], count: int, here: range) -> None:
        self._batches, self._count, self._here = batches, count, here

    def __len__(self) -> int:
        return len(self._batches) * len(self._here)

    def __getitem__(self, index: Any) -> Any:
        batch, number = divmod(index, len(self._here))
        seqs = self._batches[batch]
        share = share_of(seqs, self._here[number], self._count)
        return share if len(share) else seqs[:1]


def share_spec(dataset: Dataset, count: int) -> dict[str, TFTensor]:
    """:return: the `tf.TensorSpec`s of a share"""
    return tensor_spec(dataset) | ({"counts": tf.TensorSpec([], "bool")} if count > 1 else {})


def as_share(part: Batch, counts: bool, count: int) -> dict[str, TFTensor]:
    share: dict[str, TFTensor] = {"data": part.data, "lengths": part.lengths}
    return share | ({"counts": tf.constant(counts)} if count > 1 else {})
