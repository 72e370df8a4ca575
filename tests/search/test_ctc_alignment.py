"""The alignment against all paths, by enumeration."""

import itertools

import numpy as np
import pytest

from boulder.errors import DataError
from boulder.search.ctc_alignment import ctc_alignment


def collapsed(path, blank) -> list[int]:
    return [label for label, _ in itertools.groupby(path) if label != blank]


@pytest.mark.parametrize("seed", range(60))
def test_it_is_the_best_of_all_paths_that_collapse_to_the_labels(seed):
    random = np.random.default_rng(seed)
    num_frames, num_labels = random.integers(1, 6), random.integers(1, 4)
    log_probs = np.log(random.dirichlet(np.ones(num_labels + 1), size=num_frames))
    labels = random.integers(0, num_labels, random.integers(0, num_frames + 1))
    every = itertools.product(range(num_labels + 1), repeat=int(num_frames))
    paths = [path for path in every if collapsed(path, num_labels) == labels.tolist()]
    if not paths:
        with pytest.raises(DataError, match="frames, found"):
            ctc_alignment(log_probs, labels)
        return
    best = max(paths, key=lambda path: sum(log_probs[frame, label] for frame, label in enumerate(path)))
    assert ctc_alignment(log_probs, labels).tolist() == list(best)


def test_wrong_labels_and_scores_are_reported():
    with pytest.raises(DataError, match=r"found labels \[2\], expected 0 to 2 without 2"):
        ctc_alignment(np.zeros((3, 3)), [2])
    with pytest.raises(DataError, match="expected a finite number"):
        ctc_alignment(np.full((3, 3), -np.inf), [1])
    assert ctc_alignment(np.zeros((0, 3)), []).tolist() == []


def test_of_equal_scores_the_earliest_labels_win():
    assert ctc_alignment(np.zeros((5, 3)), [0, 1]).tolist() == [0, 1, 2, 2, 2]
