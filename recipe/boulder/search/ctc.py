"""Greedy CTC search: the best label of each frame, with repeats merged and blanks removed. NumPy only."""

from collections.abc import Sequence

import numpy as np

from boulder.errors import DataError


def greedy(scores: np.ndarray, length: int | None = None, blank: int | None = None) -> list[int]:
    """
    :param scores: [T, 1+V], probabilities, log probabilities or any other scores where larger is better
    :param length: number of frames without padding; None: T
    :param blank: index of the blank; None: the last index, as in TensorFlow and RETURNN
    :return: labels of the best path, without blanks; of equal scores, the lowest index wins
    :raises DataError: for a wrong rank, a length or blank out of range, or NaN outside of the padding
    """
    scores = np.asarray(scores)
    if scores.ndim != 2:
        raise DataError(f"greedy CTC search: scores of shape {list(scores.shape)}, expected [time, labels + blank]")
    return greedy_batch(scores[None], [scores.shape[0] if length is None else length], blank)[0]


def greedy_batch(scores: np.ndarray, lengths: Sequence[int] | np.ndarray, blank: int | None = None) -> list[list[int]]:
    """
    :param scores: [B, T, 1+V], see :func:`greedy`
    :param lengths: [B], number of frames of each sequence without padding
    :param blank: index of the blank; None: the last index
    :return: a list of labels per sequence
    :raises DataError: see :func:`greedy`; the message gives the index of the sequence in the batch
    """
    scores, lengths = np.asarray(scores), np.asarray(lengths)
    if scores.ndim != 3 or scores.shape[-1] == 0:
        raise DataError(
            f"greedy CTC search: scores of shape {list(scores.shape)}, expected [batch, time, labels + blank]"
        )
    num_seqs, num_frames, num_labels = scores.shape
    if lengths.shape != (num_seqs,):
        raise DataError(f"greedy CTC search: lengths of shape {list(lengths.shape)}, expected [{num_seqs}]")
    for seq, length in enumerate(lengths):
        if not 0 <= length <= num_frames:
            raise DataError(f"greedy CTC search: sequence {seq} has length {length}, expected 0 to {num_frames}")
    if blank is None:
        blank = num_labels - 1
    if not 0 <= blank < num_labels:
        raise DataError(f"greedy CTC search: blank is {blank}, expected 0 to {num_labels - 1}")

    counts = np.arange(num_frames)[None, :] < lengths[:, None]  # [B, T]
    # argmax would return the position of a NaN, and the result would look like a hypothesis
    broken = np.flatnonzero((np.isnan(scores).any(axis=-1) & counts).any(axis=-1))
    if broken.size:
        raise DataError(f"greedy CTC search: sequence {broken[0]} has scores that are NaN")
    if num_frames == 0:
        return [[] for _ in range(num_seqs)]
    best = scores.argmax(axis=-1)  # [B, T]
    begins = np.ones_like(counts)  # True where the label differs from that of the previous frame
    begins[:, 1:] = best[:, 1:] != best[:, :-1]
    keep = begins & (best != blank) & counts
    return [labels[kept].tolist() for labels, kept in zip(best, keep, strict=True)]
