"""The batches of an epoch, as RETURNN forms them for the same options."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from boulder.data import (
    Batches,
    Dataset,
    form_batches,
    seed_of_drops,
    within_limits,
    without_dropped,
    without_empty_end,
)
from boulder.errors import DataError
from boulder.training.training_options import TrainingOptions


def batches_to_train(dataset: Dataset, epoch: int, options: TrainingOptions) -> Batches:
    """
    :param epoch: counted from 1
    :raises DataError: if no sequence is left, or if an option names an unknown stream
    """
    lengths = _lengths(dataset, options)
    order = dataset.epoch_order(epoch, options.random_seed, default=options.batching)
    order = within_limits(order, lengths, options.max_seq_length, options.min_seq_length)
    if options.seq_drop:
        order = without_dropped(order, options.seq_drop, seed_of_drops(dataset, epoch, options.seq_drop_freq))
    return _batches(order, lengths, options, f"epoch {epoch}")


def batches_to_score(dataset: Dataset, epoch: int, options: TrainingOptions) -> Batches:
    """
    :param epoch: counted from 1; it matters if the data set has `partition_epoch`
    :return: batches with little padding, since sums do not depend on the order
    :raises DataError: see `batches_to_train`
    """
    lengths = _lengths(dataset, options)
    order = np.sort(dataset.epoch_order(epoch, 0, default="default"))
    order = order[np.argsort(dataset.order_lengths[order], kind="stable")]
    order = within_limits(order, lengths, options.max_seq_length)
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
