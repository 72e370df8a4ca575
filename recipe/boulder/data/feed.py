"""Batches as TensorFlow tensors, read ahead in threads while a step computes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from boulder.data.batches import Batch, read_batch
from boulder.data.blas import one_blas_thread
from boulder.data.dataset import Dataset
from boulder.data.read_errors import errors_of_sequences
from boulder.data.tensor_memory import as_tensor
from boulder.errors import DataError
from boulder.lazy import TFTensor, tf

_STEPS_AHEAD = 2
_MOST_WORKERS = 8  # more have nothing to do: Python runs one thread at a time


def default_num_workers() -> int:
    """:return: number of threads that read: as many as TensorFlow is limited to, or as there are cores; at most 8"""
    cores = tf.config.threading.get_intra_op_parallelism_threads() or len(os.sched_getaffinity(0))
    return min(cores, _MOST_WORKERS)


def batches_of_epoch(
    dataset: Dataset, batches: Sequence[np.ndarray], start: int = 0, parts: int = 1, num_workers: int | None = None
) -> Iterator[Batch]:
    """
    Each thread reads a batch: files, decoding, features, padding. The batches come in their order and do not depend on the
    number of threads. At most two steps are read ahead, and a batch per thread. All batches of all epochs have the same type
    (`tensor_spec`), so that a `tf.function` is traced once.

    :param batches: from `form_batches`
    :param start: number of the first batch to read
    :param parts: number of batches that one step consumes
    :param num_workers: number of threads, at least 1; one is used if the data set reads in one thread only; None: see
        `default_num_workers`
    :return: batches of tensors: data [B, T, D] or [B, T], lengths int32 [B]
    :raises DataError: if a sequence cannot be read, after all batches before it
    """
    if not 0 <= start <= len(batches):
        raise DataError(f"batch number: found start={start}, expected 0 to {len(batches)}, the number of batches")
    threads = num_workers or default_num_workers()
    return _read_ahead(dataset, batches, start, threads if dataset.reads_in_threads else 1, _STEPS_AHEAD * parts)


def tensor_spec(dataset: Dataset) -> dict[str, dict[str, TFTensor]]:
    """:return: `{"data": …, "lengths": …}`, each key → `tf.TensorSpec`, with batch and time of any size"""
    streams = dataset.streams
    return {
        "data": {key: tf.TensorSpec([None, *s.shape], s.dtype) for key, s in streams.items()},
        "lengths": {key: tf.TensorSpec([None], "int32") for key in streams},
    }


def _read_ahead(
    dataset: Dataset, batches: Sequence[np.ndarray], start: int, threads: int, ahead: int
) -> Iterator[Batch]:
    tensor_spec(dataset)  # opens the data set and imports TensorFlow, before the threads do
    waiting: deque[Future[Batch]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="reading")
    try:
        with one_blas_thread():
            for number in range(start, len(batches)):
                waiting.append(pool.submit(_read, dataset, batches[number]))
                if len(waiting) > max(ahead, threads):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _read(dataset: Dataset, seqs: np.ndarray) -> Batch:
    with errors_of_sequences(dataset, seqs, dataset.read_padded):
        batch = read_batch(dataset, seqs)
    # a step copies them to its own device
    data, lengths = ({key: as_tensor(a) for key, a in arrays.items()} for arrays in (batch.data, batch.lengths))
    return replace(batch, data=data, lengths=lengths)
