"""Streamed batches as TensorFlow tensors, read while a step computes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import numpy as np

from boulder.data.batches import Batch, read_batch
from boulder.data.blas import one_blas_thread
from boulder.data.dataset import Dataset
from boulder.data.in_memory import InMemory
from boulder.data.shares import as_share, share_of
from boulder.data.streamed_batches import StreamedBatch
from boulder.lazy import TFTensor, tf

_AHEAD = 2
Item = TypeVar("Item")


def shares_of_stream(
    dataset: Dataset, batches: Iterator[StreamedBatch], count: int, here: range
) -> Iterator[tuple[StreamedBatch, list[dict[str, TFTensor]]]]:
    """
    :param dataset: gives the streams
    :param count: number of all replicas
    :param here: numbers of the replicas of this process
    :return: each batch, and its shares as `shares_of_epoch` gives them
    :raises DataError: if a sequence cannot be read, after all batches before it
    """
    padded = ((batch, [_padded(dataset, batch, number, count) for number in here]) for batch in batches)
    for batch, parts in _read_ahead(padded):
        yield batch, [as_share(_as_tensors(part), counts, count) for part, counts in parts]


def tensors_of_stream(dataset: Dataset, batches: Iterator[StreamedBatch]) -> Iterator[Batch]:
    """:return: the batches as `batches_of_epoch` gives them, with the sequences numbered as they are read"""
    padded, first = (_padded(dataset, batch, 0, 1)[0] for batch in batches), 0
    for batch in _read_ahead(padded):
        yield replace(_as_tensors(batch), seqs=first + batch.seqs)
        first += len(batch)


def _padded(dataset: Dataset, batch: StreamedBatch, number: int, count: int) -> tuple[Batch, bool]:
    """:return: arrays of a share, and whether it counts: an empty one holds a sequence as a placeholder"""
    every = np.arange(len(batch.sequences))
    share = share_of(every, number, count)
    read = InMemory(held=batch.sequences, kinds=dataset.streams)
    return read_batch(read, share if len(share) else every[:1]), len(share) > 0


def _as_tensors(batch: Batch) -> Batch:
    data, lengths = ({key: tf.constant(a) for key, a in arrays.items()} for arrays in (batch.data, batch.lengths))
    return replace(batch, data=data, lengths=lengths)


def _read_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """:return: the same items, computed in a thread, a few before they are asked for"""
    end = object()
    with one_blas_thread(), ThreadPoolExecutor(1, "reads ahead") as thread:
        waiting = deque(thread.submit(next, items, end) for _ in range(_AHEAD))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(thread.submit(next, items, end))
                yield item  # type: ignore[misc]  # `end` is no item
        finally:
            for future in waiting:
                future.cancel()
