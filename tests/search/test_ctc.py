"""Greedy CTC search collapses paths to labels and ignores the padding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boulder.errors import DataError
from boulder.search import greedy, greedy_batch

NUM_LABELS = 5  # without the blank, which is the last index


@st.composite
def alignments(draw):
    """Draws (labels, path), where the path has random repeats and blanks, and a blank between equal labels."""
    labels = draw(st.lists(st.integers(0, NUM_LABELS - 1), max_size=8))
    repeats = st.integers(0, 3)
    path = [NUM_LABELS] * draw(repeats)
    for position, label in enumerate(labels):
        equal = position > 0 and labels[position - 1] == label
        path += [NUM_LABELS] * (draw(repeats) + equal) + [label] * (1 + draw(repeats))
    return labels, path + [NUM_LABELS] * draw(repeats)


def one_hot(path: list[int]) -> np.ndarray:
    return np.eye(NUM_LABELS + 1, dtype=np.float32)[np.array(path, dtype=int)].reshape(len(path), NUM_LABELS + 1)


@given(alignments())
def test_an_alignment_collapses_to_its_labels(alignment):
    labels, path = alignment
    assert greedy(one_hot(path)) == labels


@given(st.lists(alignments(), min_size=1, max_size=5), st.integers(0, 4))
def test_a_batch_gives_the_labels_of_each_sequence_without_padding(items, padding):
    num_frames = max(len(path) for _, path in items) + padding
    scores = np.full((len(items), num_frames, NUM_LABELS + 1), np.nan, dtype=np.float32)
    for row, (_, path) in zip(scores, items, strict=True):
        row[: len(path)] = one_hot(path)
    found = greedy_batch(scores, [len(path) for _, path in items])
    assert found == [labels for labels, _ in items]
    assert all(type(label) is int for labels in found for label in labels)


@given(alignments())
def test_only_the_order_of_the_scores_matters(alignment):
    labels, path = alignment
    assert greedy(np.log(one_hot(path) + 1e-9)) == greedy(one_hot(path) * 7 - 3) == labels


def test_log_probabilities_may_be_minus_infinity():
    with np.errstate(divide="ignore"):
        assert greedy(np.log(one_hot([2, 2, 5, 2]))) == [2, 2]


def test_blank_at_another_index():
    assert greedy(one_hot([0, 1, 1, 0, 1, 5]), blank=0) == [1, 1, 5]


def test_length_may_end_within_a_label():
    assert greedy(one_hot([3, 3, 4]), length=2) == [3]
    assert greedy(one_hot([3, 3, 4]), length=0) == []


@pytest.mark.parametrize(
    ("scores", "lengths", "blank", "message"),
    [
        (np.zeros((2, 3)), [3, 3], None, r"shape \[2, 3\], expected \[batch, time"),
        (np.zeros((1, 3, 2)), [3, 3], None, r"lengths of shape \[2\], expected \[1\]"),
        (np.zeros((1, 3, 2)), [4], None, "sequence 0 has length 4, expected 0 to 3"),
        (np.zeros((1, 3, 2)), [-1], None, "length -1"),
        (np.zeros((1, 3, 2)), [3], 2, "blank is 2, expected 0 to 1"),
        (np.full((1, 3, 2), np.nan), [3], None, "sequence 0 has scores that are NaN"),
    ],
)
def test_message(scores, lengths, blank, message):
    with pytest.raises(DataError, match=message):
        greedy_batch(scores, lengths, blank)


def test_message_for_a_single_sequence_of_the_wrong_rank():
    with pytest.raises(DataError, match=r"shape \[3\], expected \[time"):
        greedy(np.zeros(3))
