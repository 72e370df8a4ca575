"""Orders of sequences are permutations that follow RETURNN's rules."""

import itertools
import tracemalloc

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from boulder.data import sequence_order
from boulder.data.order.sequence_order import OrderKind
from boulder.data.random_numbers import OwnNumbers
from boulder.errors import DataError

KINDS = [
    "default",
    "reverse",
    "random",
    "sorted",
    "sorted_reverse",
    "laplace",
    "laplace:3",
    "laplace:.4",
    "laplace:.100",
    "sort_bin_shuffle:3",
    "sort_bin_shuffle_x2:.4",
]


@given(
    kind=st.sampled_from(KINDS),
    lengths=st.lists(st.integers(0, 9), max_size=30),
    seed=st.integers(0, 2**40),
    epoch=st.integers(1, 99),
)
def test_every_order_is_a_permutation_that_depends_on_seed_and_epoch_only(kind, lengths, seed, epoch):
    order = sequence_order(kind, np.array(lengths, "int32"), seed, epoch)
    assert sorted(order.tolist()) == list(range(len(lengths)))
    assert order.dtype == "int64"
    np.random.seed(epoch)
    assert order.tolist() == sequence_order(kind, np.array(lengths, "int32"), seed, epoch).tolist()


@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=60), bins=st.integers(1, 5), seed=st.integers(0, 9))
def test_laplace_sorts_its_bins_alternately_up_and_down(lengths, bins, seed):
    lengths = np.array(lengths)
    order = sequence_order(f"laplace:{bins}", lengths, seed, 1)
    borders = [i * len(lengths) // bins for i in range(bins + 1)]
    for i in range(bins):
        part = lengths[order[borders[i] : borders[i + 1]]].tolist()
        assert part == sorted(part, reverse=i % 2 == 1)
    random = sequence_order("random", lengths, seed, 1)
    for first, last in itertools.pairwise(borders):
        assert set(order[first:last]) == set(random[first:last])


def test_laplace_with_a_dot_sets_the_size_of_a_bin():
    lengths = np.random.default_rng(0).integers(0, 50, 100)
    order = [
        sequence_order(kind, lengths, 1, 1).tolist()
        for kind in ("laplace:.25", "laplace:4", "laplace:.1000", "laplace:2")
    ]
    assert order[0] == order[1]
    assert order[2] == order[3]  # at least two bins


@pytest.mark.parametrize(
    "kind", ["random", "laplace:.1000", "sorted", "sort_bin_shuffle:.1000", "sort_bin_shuffle_x2:.1000"]
)
def test_an_order_takes_at_most_22_bytes_per_sequence_while_it_is_formed(kind):
    lengths = np.random.default_rng(0).integers(2, 9, 1_000_000, "int32")
    tracemalloc.start()
    OrderKind.parse(kind).order(len(lengths), lambda: lengths, OwnNumbers(1, 1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 22 * len(lengths)


def test_fixed_orders():
    lengths = np.array([3, 1, 2, 1])
    orders = {kind: sequence_order(kind, lengths, 1, 1).tolist() for kind in KINDS[:5]}
    assert orders["default"] == [0, 1, 2, 3]
    assert orders["reverse"] == [3, 2, 1, 0]
    assert orders["sorted"] == [1, 3, 2, 0]
    assert orders["sorted_reverse"] == [0, 2, 1, 3]


def test_random_orders_differ_between_epochs_and_seeds_and_never_change():
    orders = {tuple(sequence_order("random", np.zeros(8), seed, epoch)) for seed in range(5) for epoch in range(1, 6)}
    assert len(orders) == 25
    assert sequence_order("random", np.zeros(8), 42, 1).tolist() == [1, 2, 5, 3, 6, 0, 4, 7]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("sortd", "found 'sortd', expected one of default, .*; did you mean 'sorted'"),
        ("laplace:", "found 'laplace:'"),
        ("laplace:0", "found 'laplace:0'"),
        ("laplace:.x", "found 'laplace:.x'"),
        ("random:", "found 'random:'"),
        ("random:1:1", "found 'random:1:1'"),
        ("sorted:2", "found 'sorted:2'"),
        ("default_every_n", "found 'default_every_n'"),
        ("laplace:2:0", "found 'laplace:2:0'"),
        (None, "found None"),
    ],
)
def test_an_unknown_order_is_reported_with_the_nearest_name(kind, message):
    with pytest.raises(DataError, match=message):
        sequence_order(kind, np.zeros(3), 1, 1)
