"""The batches of an epoch, as RETURNN forms them for the same options."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping

import numpy as np

from boulder.data import (
    Batches,
    Chunking,
    Dataset,
    cut,
    cut_at_random,
    form_batches,
    numbers_of_drops,
    within_limits,
    without_dropped,
    without_empty_end,
)
from boulder.errors import DataError
from boulder.training.training_options import TrainingOptions


def batches_to_train(
    dataset: Dataset, epoch: int, options: TrainingOptions, streams: Collection[str]
) -> tuple[Dataset, Batches]:
    """
    :param epoch: counted from 1
    :param streams: keys that the network reads
    :return: the data set, or that of its chunks, and batches of its indices
    :raises DataError: if no sequence is left, if an option names an unknown stream, or if a sequence cannot be cut
    """
    order = dataset.epoch_order(epoch, options.random_seed, default=options.batching)
    numbers = numbers_of_drops(dataset, epoch, options.seq_drop_freq if options.seq_drop else math.inf)
    chunking = Chunking.parse(options.chunking, options.min_chunk_size, options.chunking_variance)
    lengths = _lengths(dataset, options)
    if chunking is not None:
        dataset, lengths = _chunks(dataset, order, chunking, streams, options, numbers)
        order = np.arange(dataset.num_seqs)
    if chunking is None or not chunking.variance:
        order = within_limits(order, lengths, options.max_seq_length, options.min_seq_length)
        order = without_dropped(order, options.seq_drop, numbers)
    return dataset, _batches(order, lengths, options, f"epoch {epoch}")


def _chunks(
    dataset: Dataset,
    order: np.ndarray,
    chunking: Chunking,
    streams: Collection[str],
    options: TrainingOptions,
    numbers: np.random.RandomState,
) -> tuple[Dataset, Mapping[str, np.ndarray]]:
    """:return: the chunks, with variance only those that are used; and their lengths"""
    if not chunking.variance:
        chunks = cut(dataset, order, chunking, streams)
    else:

        def used(lengths: Mapping[str, np.ndarray]) -> np.ndarray:
            every = np.arange(len(next(iter(lengths.values()))))
            return within_limits(every, lengths, options.max_seq_length, options.min_seq_length)

        chunks = cut_at_random(dataset, order, chunking, streams, numbers, used, options.seq_drop)
    return chunks, chunks.all_lengths


def batches_to_score(dataset: Dataset, epoch: int, options: TrainingOptions, limited: bool = True) -> Batches:
    """
    :param epoch: counted from 1; it matters if the data set has `partition_epoch`
    :param limited: whether `max_seq_length` applies; in RETURNN, to "dev" only
    :return: batches with little padding, since sums do not depend on the order
    :raises DataError: see `batches_to_train`
    """
    lengths = _lengths(dataset, options)
    order = np.sort(dataset.epoch_order(epoch, 0, default="default"))
    order = order[np.argsort(dataset.order_lengths[order], kind="stable")]
    order = within_limits(order, lengths, options.max_seq_length if limited else None)
    return _batches(order, lengths, options, f"epoch {epoch}: data to score")


def _lengths(dataset: Dataset, options: TrainingOptions) -> Mapping[str, np.ndarray]:
    return dataset.all_lengths if options.returnn_batches else dataset.measured_lengths


def _batches(order: np.ndarray, lengths: Mapping[str, np.ndarray], options: TrainingOptions, where: str) -> Batches:
    batches = form_batches(order, lengths, options.batch_size, options.max_seqs, options.max_pad_size)
    if options.returnn_batches:
        batches = without_empty_end(batches, lengths)
    if not len(batches):
        names = ("max_seq_length", "min_seq_length", "seq_drop")
        causes = [f"{name} {getattr(options, name)}" for name in names if getattr(options, name)]
        raise DataError(f"{where}: {' and '.join(causes) or 'the data'} leaves no sequence, expected at least one")
    return batches
