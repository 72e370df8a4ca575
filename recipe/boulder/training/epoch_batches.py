"""The batches of an epoch, as RETURNN forms them for the same options."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping

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
from boulder.data.in_memory import InMemory
from boulder.data.random_numbers import CountedNumbers
from boulder.data.selection import seed_of_drops
from boulder.data.streamed_batches import START, Part, Place, StreamedBatch, streamed_batches, used_parts
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
    numbers = numbers_of_drops(dataset, epoch, _drawn_again(options))
    dataset, lengths, order = _parts(dataset, order, options, streams, numbers)
    return dataset, _batches(order, lengths, options, f"epoch {epoch}")


def streamed_to_train(
    dataset: Dataset, epoch: int, options: TrainingOptions, streams: Collection[str], start: Place = START
) -> Iterator[StreamedBatch]:
    """
    As `batches_to_train`, for a data set whose sequences are read one after another.

    :param start: where the first batch begins
    """

    def cut(sequence: Dataset, numbers: CountedNumbers) -> tuple[Dataset, np.ndarray]:
        parts, _, used = _parts(sequence, np.arange(1), options, streams, numbers)
        return parts, used

    sequences = dataset.sequences(epoch, options.random_seed, options.batching, start.seq)
    seed = seed_of_drops(dataset, epoch, _drawn_again(options))
    parts = used_parts(dataset, sequences, start, seed, cut)
    every_length = options.returnn_batches or _chunking(options) is not None
    return _streamed(dataset, parts, options, every_length, f"epoch {epoch}", start)


def _drawn_again(options: TrainingOptions) -> float:
    return options.seq_drop_freq if options.seq_drop else math.inf


def _parts(
    dataset: Dataset,
    order: np.ndarray,
    options: TrainingOptions,
    streams: Collection[str],
    numbers: np.random.RandomState,
) -> tuple[Dataset, Mapping[str, np.ndarray], np.ndarray]:
    """:return: the data set, or that of its chunks; its lengths; and its indices that are used, in order"""
    chunking, lengths = _chunking(options), _lengths(dataset, options)
    if chunking is not None and chunking.variance:
        dataset = _varied_chunks(dataset, order, chunking, streams, options, numbers)
        return dataset, dataset.all_lengths, np.arange(dataset.num_seqs)
    if chunking is not None:
        dataset = cut(dataset, order, chunking, streams)
        lengths, order = dataset.all_lengths, np.arange(dataset.num_seqs)
    order = within_limits(order, lengths, options.max_seq_length, options.min_seq_length)
    return dataset, lengths, without_dropped(order, options.seq_drop, numbers)


def _chunking(options: TrainingOptions) -> Chunking | None:
    return Chunking.parse(options.chunking, options.min_chunk_size, options.chunking_variance)


def _varied_chunks(
    dataset: Dataset,
    order: np.ndarray,
    chunking: Chunking,
    streams: Collection[str],
    options: TrainingOptions,
    numbers: np.random.RandomState,
) -> Dataset:
    """:return: the chunks that are used"""

    def used(lengths: Mapping[str, np.ndarray]) -> np.ndarray:
        every = np.arange(len(next(iter(lengths.values()))))
        return within_limits(every, lengths, options.max_seq_length, options.min_seq_length)

    return cut_at_random(dataset, order, chunking, streams, numbers, used, options.seq_drop)


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


def streamed_to_score(
    dataset: Dataset, epoch: int, options: TrainingOptions, limited: bool = True
) -> Iterator[StreamedBatch]:
    """As `batches_to_score`, in the order in which the sequences are read."""

    def cut(sequence: Dataset, _numbers: CountedNumbers) -> tuple[Dataset, np.ndarray]:
        limit = options.max_seq_length if limited else None
        return sequence, within_limits(np.arange(1), _lengths(sequence, options), limit)

    where = f"epoch {epoch}: data to score"
    parts = used_parts(dataset, dataset.sequences(epoch, 0, "default"), START, 0, cut)
    return _streamed(dataset, parts, options, options.returnn_batches, where, START)


def _lengths(dataset: Dataset, options: TrainingOptions) -> Mapping[str, np.ndarray]:
    return dataset.all_lengths if options.returnn_batches else dataset.measured_lengths


def _batches(order: np.ndarray, lengths: Mapping[str, np.ndarray], options: TrainingOptions, where: str) -> Batches:
    batches = _formed(order, lengths, options, ends=True)
    if not len(batches):
        raise _nothing_left(options, where)
    return batches


def _formed(order: np.ndarray, lengths: Mapping[str, np.ndarray], options: TrainingOptions, ends: bool) -> Batches:
    """:param ends: whether the order is that of the whole epoch"""
    batches = form_batches(order, lengths, options.batch_size, options.max_seqs, options.max_pad_size)
    return without_empty_end(batches, lengths) if ends and options.returnn_batches else batches


def _streamed(
    dataset: Dataset, parts: Iterator[Part], options: TrainingOptions, every_length: bool, where: str, start: Place
) -> Iterator[StreamedBatch]:
    """
    :param every_length: whether lengths of streams that are not read count as well
    :raises DataError: if there is no batch, unless the epoch was begun before
    """

    def form(sequences: InMemory, ends: bool) -> Batches:
        lengths = sequences.all_lengths if every_length else sequences.lengths
        return _formed(np.arange(sequences.num_seqs), lengths, options, ends)

    empty = start == START
    for batch in streamed_batches(dataset, parts, form):
        empty = False
        yield batch
    if empty:
        raise _nothing_left(options, where)


def _nothing_left(options: TrainingOptions, where: str) -> DataError:
    names = ("max_seq_length", "min_seq_length", "seq_drop")
    causes = [f"{name} {getattr(options, name)}" for name in names if getattr(options, name)]
    return DataError(f"{where}: {' and '.join(causes) or 'the data'} leaves no sequence, expected at least one")
