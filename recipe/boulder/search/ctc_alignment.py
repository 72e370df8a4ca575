"""The best CTC alignment of a sequence of labels to frames: Viterbi decoding over labels with blanks between them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np

from boulder.counted import counted
from boulder.data import Stream
from boulder.errors import DataError, NetworkError
from boulder.network.layer_output import layer_of
from boulder.search.data_pass import DataPass
from boulder.search.forward import Derived, forward_to_hdf

_NEVER = -np.inf


def ctc_alignment(log_probs: np.ndarray, labels: Sequence[int] | np.ndarray, blank: int | None = None) -> np.ndarray:
    """
    :param log_probs: [T, 1+V], logarithms of probabilities
    :param labels: [N], without blanks
    :param blank: index of the blank; None: the last index, as in TensorFlow and RETURNN
    :return: int32 [T], a label or the blank for each frame. Of alignments with equal scores, the one that comes to each
        label earliest
    :raises DataError: if the labels do not fit into the frames, or a label is out of range
    """
    num_frames, num_labels = log_probs.shape
    blank = num_labels - 1 if blank is None else blank
    labels = np.asarray(labels, "int64")
    if labels.size and not (labels.min() >= 0 and labels.max() < num_labels and (labels != blank).all()):
        raise DataError(
            f"CTC alignment: found labels {labels.tolist()}, expected 0 to {num_labels - 1} without {blank}"
        )
    repeats = int((labels[1:] == labels[:-1]).sum())
    if len(labels) + repeats > num_frames:
        raise DataError(
            f"CTC alignment: {counted(len(labels), 'label')}, of which {repeats} equal the one before, need "
            f"{counted(len(labels) + repeats, 'frame')}, found {num_frames}"
        )
    if not num_frames:
        return np.zeros(0, "int32")
    states = np.full(2 * len(labels) + 1, blank)  # blank, label 1, blank, label 2, …, blank
    states[1::2] = labels
    may_skip = np.zeros(len(states), bool)  # the blank between two different labels
    may_skip[3::2] = labels[1:] != labels[:-1]

    scores = np.full(len(states), _NEVER)
    scores[:2] = log_probs[0, states[:2]]
    steps = np.zeros((num_frames, len(states)), "int8")  # 0: from the same state, 1: the one before, 2: two before
    for frame in range(1, num_frames):
        one = np.concatenate([[_NEVER], scores])[: len(states)]
        two = np.where(may_skip, np.concatenate([[_NEVER, _NEVER], scores])[: len(states)], _NEVER)
        candidates = np.stack([scores, one, two])
        steps[frame] = candidates.argmax(axis=0)
        scores = candidates.max(axis=0) + log_probs[frame, states]
    state = len(states) - 1
    if len(states) > 1 and scores[-2] > scores[-1]:
        state -= 1
    if not np.isfinite(scores[state]):
        raise DataError(f"CTC alignment: the best score is {scores[state]}, expected a finite number")
    path = np.zeros(num_frames, "int32")
    for frame in range(num_frames - 1, -1, -1):
        path[frame] = states[state]
        state -= steps[frame, state]
    return path


def align_to_hdf(
    data_pass: DataPass,
    layer: str,
    *,
    target: str,
    stream: str,
    sources: Mapping[str, str],
    path: str | os.PathLike[str],
) -> int:
    """
    Writes an HDF file with a class for each frame: a label or, as the last class, the blank.

    :param layer: its output is [B, T, labels + blank], probabilities
    :param target: stream of the labels
    :param stream: stream of the file for the alignment
    :param sources: further streams of the file, see `forward_to_hdf`
    :return: number of sequences
    :raises NetworkError: if there is no such layer, or if it has other axes
    :raises DataError: if the labels of a sequence do not fit into its frames
    """
    template = layer_of(data_pass.spec(), layer).template
    if template.time is None or template.feature is None or template.dim is None or len(template.axes) != 3:
        raise NetworkError(f"alignment: layer {layer!r} is {template}, needs a time and a feature axis")

    def aligned(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return ctc_alignment(np.log(probabilities), labels)

    derived = Derived(Stream(stream, template.dim, sparse=True), layer, target, aligned)
    return forward_to_hdf(data_pass, sources, path, derived=derived)
