"""Batches spread over the replicas of a network: each replica gets every n-th sequence, padded for itself."""

from collections.abc import Iterator, Sequence

import numpy as np

from boulder.data.feed import batches_of_epoch, tensor_spec


def share_of(seqs: np.ndarray, number: int, count: int) -> np.ndarray:
    """
    :param seqs: int [B], a batch
    :param number: of a replica, below `count`
    :return: its sequences; empty where the batch has fewer sequences than there are replicas
    """
    return seqs[number::count]


def shares_of_epoch(
    reader, batches: Sequence[np.ndarray], count: int, here: range, start: int = 0
) -> Iterator[list[dict]]:
    """
    :param reader: `HdfReader`, of which only the sequences of these shares are read
    :param batches: what `form_batches` gives
    :param count: number of all replicas
    :param here: those to read for
    :param start: number of the batch to begin with
    :return: batch by batch a share for each of `here`, as tensors: {"data": key → [B, T, …], "lengths": key → int32 [B]}
        and, of several replicas, "counts": bool scalar. Where that is False, the share is empty, and in its place there is
        one of the batch's sequences again: a network need not be able to compute with no sequence at all.
    """
    shares = [(share_of(seqs, number, count), seqs) for seqs in batches for number in here]
    counts = iter([len(share) > 0 for share, _ in shares[start * len(here) :]])
    read = [share if len(share) else seqs[:1] for share, seqs in shares]
    ahead = batches_of_epoch(reader, read, start * len(here), parts=len(here))
    for parts in zip(*[ahead] * len(here), strict=True):  # so many from the same iterator
        yield [_as_share(part, next(counts), count) for part in parts]


def share_spec(reader, count: int) -> dict:
    """:return: of a share, as `tf.TensorSpec`s"""
    import tensorflow as tf

    return tensor_spec(reader) | ({"counts": tf.TensorSpec([], "bool")} if count > 1 else {})


def _as_share(part, counts: bool, count: int) -> dict:
    import tensorflow as tf

    share = {"data": part.data, "lengths": part.lengths}
    return share | ({"counts": tf.constant(counts)} if count > 1 else {})
