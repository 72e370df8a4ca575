"""Which sequences of an epoch are used: limits of length, and sequences dropped at random. Rules and names are RETURNN's."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from boulder.data.batches import check_limits
from boulder.data.dataset import Dataset
from boulder.data.random_numbers import python_numbers

Limit = float | Mapping[str, float] | None


def within_limits(
    order: np.ndarray, lengths: Mapping[str, np.ndarray], max_seq_length: Limit = None, min_seq_length: Limit = None
) -> np.ndarray:
    """
    :param order: int64 [M], indices of sequences
    :param lengths: key → [N]
    :param max_seq_length: frames, for every stream; or stream → frames, without a limit for others; None or 0: no limit
    :param min_seq_length: of the same form
    :return: the sequences of the order with at most and at least so many frames
    :raises DataError: for a limit of another form, or for an unknown stream
    """
    if not max_seq_length and not min_seq_length:
        return order
    used = np.ones(len(order), "bool")
    if max_seq_length:
        for key, limit in check_limits(max_seq_length, lengths, "max_seq_length", lowest=0).items():
            used &= lengths[key][order] <= limit
    if min_seq_length:
        for key, limit in check_limits(min_seq_length, lengths, "min_seq_length", lowest=0).items():
            used &= lengths[key][order] >= limit
    return order[used]


def without_dropped(order: np.ndarray, fraction: float, numbers: np.random.RandomState) -> np.ndarray:
    """
    :param order: int64 [M]
    :param fraction: `seq_drop`, the probability of each sequence to be dropped
    :param numbers: see `numbers_of_drops`
    :return: the order without the sequences that RETURNN drops
    """
    return order[numbers.random_sample(len(order)) >= fraction] if fraction else order


def numbers_of_drops(dataset: Dataset, epoch: int, every: float = math.inf) -> np.random.RandomState:
    """
    :param every: `seq_drop_freq`, a number of epochs; infinity without `seq_drop`
    :return: RETURNN's random numbers for `seq_drop` and `chunking_variance`
    """
    return python_numbers(seed_of_drops(dataset, epoch, every))


def seed_of_drops(dataset: Dataset, epoch: int, every: float = math.inf) -> int:
    """
    :param every: see `numbers_of_drops`
    :return: the seed of the epoch that last drew any numbers. Where the order stays the same from epoch to epoch, RETURNN
        keeps an HDF data set's batches, and draws again in the first epoch and in each multiple of `seq_drop_freq`. (It
        also draws again after a resume and in each epoch whose `#config` has an option of batches, which is not done here.)
    """
    drawn = epoch
    if dataset.keeps_batches:
        while drawn > 1 and drawn % every != 0 and dataset.order_key(drawn - 1) == dataset.order_key(drawn):
            drawn -= 1
    return dataset.random_seed(drawn)
