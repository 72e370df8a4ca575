"""`form_batches` forms the batches of RETURNN; `read_batch` pads them."""

import itertools

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from boulder.data import form_batches, open_dataset, read_batch
from boulder.errors import DataError

# From returnn 1.20261022.211313, Dataset.generate_batches, for sequences of these lengths in their order.
DATA = [11, 4, 9, 1, 11, 12, 10, 11, 7, 1, 13, 8, 15, 18]
CLASSES = [11, 7, 3, 3, 2, 4, 11, 6, 9, 2, 11, 9, 8, 9]
OF_RETURNN = [
    (40, -1, [3, 3, 3, 3, 2]),
    (15, -1, [1] * 14),
    (1, -1, [1] * 14),
    (1000, 4, [4, 4, 4, 2]),
    (60, 3, [3, 3, 3, 3, 2]),
    ({"data": 40}, -1, [3, 3, 3, 3, 2]),
    ({"classes": 30}, -1, [2, 4, 2, 2, 2, 2]),
    ({"data": 50, "classes": 25}, 5, [2, 4, 2, 2, 2, 2]),
]


@pytest.mark.parametrize(("batch_size", "max_seqs", "counts"), OF_RETURNN)
def test_batches_are_those_of_returnn(batch_size, max_seqs, counts):
    lengths = {"data": np.array(DATA), "classes": np.array(CLASSES)}
    batches = form_batches(np.arange(14), lengths, batch_size, max_seqs)
    assert [len(batch) for batch in batches] == counts
    assert np.concatenate(batches).tolist() == list(range(14))


@given(
    rows=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=40),
    size=st.integers(1, 60),
    other_size=st.none() | st.integers(1, 60),
    max_seqs=st.none() | st.integers(1, 6),
    seed=st.integers(0, 5),
)
def test_batches_are_as_large_as_the_limits_allow(rows, size, other_size, max_seqs, seed):
    lengths = {key: np.array([row[i] for row in rows], "int32") for i, key in enumerate(["data", "classes"])}
    limits = {"data": size} if other_size is None else {"data": size, "classes": other_size}
    order = np.random.default_rng(seed).permutation(len(rows))
    batches = form_batches(order, lengths, limits, max_seqs)

    def fits(seqs):
        padded = all(lengths[key][seqs].max() * len(seqs) <= limit for key, limit in limits.items())
        return padded and len(seqs) <= (max_seqs or len(rows))

    assert [i for batch in batches for i in batch] == order.tolist()
    for batch in batches:
        assert len(batch) == 1 or fits(batch)
    for batch, following in itertools.pairwise(batches):
        assert not fits(np.append(batch, following[0]))


def test_an_int_limits_every_stream():
    lengths = {"data": np.array([2, 2, 2]), "classes": np.array([1, 5, 1])}
    assert [batch.tolist() for batch in form_batches([2, 1, 0], lengths, 6)] == [[2], [1], [0]]
    assert [batch.tolist() for batch in form_batches([2, 1, 0], lengths, {"data": 6})] == [[2, 1, 0]]


@pytest.mark.parametrize(
    ("batch_size", "max_seqs", "message"),
    [
        (0, None, "batch_size: found 0, expected an integer of at least 1"),
        (1.5, None, "batch_size: found 1.5"),
        ({"dat": 5}, None, "batch_size: found stream 'dat', expected data, classes; did you mean 'data'"),
        ({"data": -1}, None, r"batch_size\['data'\]: found -1"),
        ({}, None, "batch_size: found no stream to limit"),
        (5, 0, "max_seqs: found 0"),
    ],
)
def test_wrong_limits_are_reported(batch_size, max_seqs, message):
    with pytest.raises(DataError, match=message):
        form_batches([0], {"data": np.array([1]), "classes": np.array([1])}, batch_size, max_seqs)


def test_each_stream_of_a_batch_is_padded_to_its_longest_sequence(corpus):
    made = corpus(9)
    batch = read_batch(open_dataset(made.path), np.array([7, 0, 3]))
    assert batch.tags == ["corpus/7", "corpus/0", "corpus/3"]
    assert len(batch) == 3
    for key in ("data", "classes", "aux"):
        arrays = [made.sequences[i][1][key] for i in (7, 0, 3)]
        assert batch.lengths[key].tolist() == [len(array) for array in arrays]
        assert batch.lengths[key].dtype == "int32"
        assert batch.data[key].shape == (3, max(map(len, arrays)), *arrays[0].shape[1:])
        for row, array in zip(batch.data[key], arrays, strict=True):
            np.testing.assert_array_equal(row[: len(array)], array)
            assert not row[len(array) :].any()


@given(
    rows=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=30),
    size=st.integers(1, 20),
    pad=st.none() | st.integers(0, 6),
)
def test_batches_are_those_of_a_loop_over_the_sequences(rows, size, pad):
    lengths = {key: np.array([row[i] for row in rows], "int32") for i, key in enumerate(["data", "classes"])}
    sizes, padding, expected = {"data": size, "classes": 2 * size}, None if pad is None else {"classes": pad}, []
    for seq in range(len(rows)):
        grown = [*(expected[-1] if expected else []), seq]
        padded = {key: int(lengths[key][grown].max()) * len(grown) for key in sizes}
        fits = all(padded[key] <= limit for key, limit in sizes.items())
        fits &= pad is None or padded["classes"] - int(lengths["classes"][grown].sum()) <= pad
        if expected and fits:
            expected[-1] = grown
        else:
            expected.append([seq])
    found = form_batches(np.arange(len(rows)), lengths, sizes, max_pad_size=padding)
    assert [batch.tolist() for batch in found] == expected


def test_the_limit_of_streams_without_frames():
    lengths = {"data": np.zeros(5, "int32"), "classes": np.array([0, 3, 0, 0, 0])}
    assert [batch.tolist() for batch in form_batches(np.arange(5), lengths, 7)] == [[0, 1], [2, 3, 4]]
