"""Batches as TensorFlow tensors, read ahead while a step computes."""

import atexit
import functools
import weakref
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from boulder.data.batches import Batch, read_batch
from boulder.errors import DataError

_PREFETCH = 2
_unfinished: "weakref.WeakSet[Iterator[Batch]]" = weakref.WeakSet()


def batches_of_epoch(reader, batches: Sequence[np.ndarray], start: int = 0, parts: int = 1) -> Iterator[Batch]:
    """
    Reads in one thread of tf.data, at most two steps ahead. All batches of all epochs have the same type
    (`tensor_spec`), so that a `tf.function` is traced once.

    :param reader: `HdfReader`
    :param batches: what `form_batches` gives
    :param start: the number of the batch to begin with; those before it are not read
    :param parts: how many of the batches are for one step
    :return: `Batch`es with tensors: data [B, T, D] or [B, T], lengths int32 [B]
    :raises DataError: what the reader finds, itself, after the batches before it
    """
    if not 0 <= start <= len(batches):
        raise DataError(f"batch number: found start={start}, expected 0 to {len(batches)}, the number of batches")
    iterator = _iterate(reader, batches, start, _PREFETCH * parts)
    _unfinished.add(iterator)
    return iterator


def tensor_spec(reader) -> dict[str, dict]:
    """
    :return: `{"data": …, "lengths": …}`, each key → `tf.TensorSpec`, with batch and time of any size
    """
    import tensorflow as tf

    return {
        "data": {key: tf.TensorSpec([None, None, *s.feature_shape], s.dtype) for key, s in reader.spec.items()},
        "lengths": {key: tf.TensorSpec([None], "int32") for key in reader.spec},
    }


@functools.cache
def _close_at_exit() -> None:
    """An iterator left in the middle, by an exception say, has a thread of TensorFlow that calls Python. If Python is
    gone by then, the thread waits for it for ever, and the process for the thread. To be called when TensorFlow is
    imported, so as to come before what that does at exit."""

    def close() -> None:
        for iterator in list(_unfinished):
            iterator.close()

    atexit.register(close)


def _iterate(reader, batches: Sequence[np.ndarray], start: int, prefetch: int) -> Iterator[Batch]:
    import tensorflow as tf

    _close_at_exit()
    ahead: deque[tuple[np.ndarray, list[str]]] = deque()  # indices and tags go beside TensorFlow, not through it
    failure: list[Exception] = []

    def read() -> Iterator[dict]:
        for seqs in batches[start:]:
            try:
                batch = read_batch(reader, seqs)
            except Exception as error:  # TensorFlow would wrap it in pages of its own
                failure.append(error)
                return
            ahead.append((batch.seqs, batch.tags))
            yield {"data": batch.data, "lengths": batch.lengths}

    dataset = tf.data.Dataset.from_generator(read, output_signature=tensor_spec(reader)).prefetch(prefetch)
    for tensors in dataset:
        seqs, tags = ahead.popleft()
        yield Batch(seqs=seqs, data=tensors["data"], lengths=tensors["lengths"], tags=tags)
    if failure:
        raise failure[0]
