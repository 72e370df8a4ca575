"""Batches as TensorFlow tensors, prefetched while a step computes."""

from __future__ import annotations

import atexit
import functools
import weakref
from collections import deque
from collections.abc import Generator, Iterator, Sequence

import numpy as np

from boulder.data.batches import Batch, read_batch
from boulder.data.dataset import Dataset
from boulder.errors import DataError
from boulder.lazy import TFTensor, tf

_PREFETCH = 2
_unfinished: weakref.WeakSet[Generator[Batch, None, None]] = weakref.WeakSet()


def batches_of_epoch(
    dataset: Dataset, batches: Sequence[np.ndarray], start: int = 0, parts: int = 1
) -> Iterator[Batch]:
    """
    Reads in one thread of tf.data, at most two steps ahead. All batches of all epochs have the same type
    (`tensor_spec`), so that a `tf.function` is traced once.

    :param batches: from `form_batches`
    :param start: number of the first batch to read
    :param parts: number of batches that one step consumes
    :return: batches of tensors: data [B, T, D] or [B, T], lengths int32 [B]
    :raises DataError: if a sequence cannot be read, after all batches before it
    """
    if not 0 <= start <= len(batches):
        raise DataError(f"batch number: found start={start}, expected 0 to {len(batches)}, the number of batches")
    iterator = _iterate(dataset, batches, start, _PREFETCH * parts)
    _unfinished.add(iterator)
    return iterator


def tensor_spec(dataset: Dataset) -> dict[str, dict[str, TFTensor]]:
    """:return: `{"data": …, "lengths": …}`, each key → `tf.TensorSpec`, with batch and time of any size"""
    streams = dataset.streams
    return {
        "data": {key: tf.TensorSpec([None, *s.shape], s.dtype) for key, s in streams.items()},
        "lengths": {key: tf.TensorSpec([None], "int32") for key in streams},
    }


@functools.cache
def _close_at_exit() -> None:
    """
    Closes unfinished iterators at exit. An iterator that an exception has left unfinished has a TensorFlow thread that
    calls Python. After Python's shutdown that thread would block forever, and the process with it. TensorFlow must be
    imported before this call, so that this handler runs before TensorFlow's own.
    """

    def close() -> None:
        for iterator in list(_unfinished):
            iterator.close()

    atexit.register(close)


def _iterate(
    dataset: Dataset, batches: Sequence[np.ndarray], start: int, prefetch: int
) -> Generator[Batch, None, None]:
    signature = tensor_spec(dataset)  # imports TensorFlow
    _close_at_exit()
    ahead: deque[tuple[np.ndarray, list[str]]] = deque()  # indices and tags bypass TensorFlow
    failure: list[Exception] = []

    def read() -> Iterator[dict]:
        for seqs in batches[start:]:
            try:
                batch = read_batch(dataset, seqs)
            except Exception as error:  # TensorFlow would bury it in pages of its own
                failure.append(error)
                return
            ahead.append((batch.seqs, batch.tags))
            yield {"data": batch.data, "lengths": batch.lengths}

    for tensors in tf.data.Dataset.from_generator(read, output_signature=signature).prefetch(prefetch):
        seqs, tags = ahead.popleft()
        yield Batch(seqs=seqs, data=tensors["data"], lengths=tensors["lengths"], tags=tags)
    if failure:
        raise failure[0]
