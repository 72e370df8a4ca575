"""Runs of units, sequences and products of them, made the same by `tie`."""

import pytest

from boulder.network.widening.units import Divided, Joined, Product, Run, Untied, runs, settled, sizes_of, tie


def test_tied_runs_are_one_run():
    a, b, c = Run(2, 5, "a"), Run(2, 5, "b"), Run(2, 5, "c")
    tie(a, b)
    tie(c, a)
    assert settled(a) is settled(b) is settled(c)
    tie(b, c)  # again


def test_a_run_is_bound_to_a_sequence_and_its_parts_are_tied_by_their_boundaries():
    a, b, whole, first, rest = Run(2, 3), Run(4, 6), Run(6, 9), Run(2, 3), Run(4, 6)
    tie(whole, Joined.of(a, b))
    tie(Joined.of(first, rest), whole)
    assert settled(first) is settled(a)
    assert settled(rest) is settled(b)


def test_a_part_is_bound_to_several_parts():
    a, b, c = Run(2, 3), Run(1, 1), Run(3, 6)
    joined = Run(3, 4)
    tie(Joined.of(a, b, c), Joined.of(joined, Run(3, 6)))
    assert [*runs(joined)] == [a, b]


def test_factors_of_products_are_tied():
    heads, size, other = Run(2, 4), Run(3, 3), Run(2, 4)
    tie(Product((heads, size)), Product((other, Run(3, 3))))
    assert settled(other) is settled(heads)
    assert sizes_of(Product((heads, size))) == (6, 12)
    assert settled(Product((heads, Run(1, 1)))) is settled(heads)


def test_parts_without_units_are_left_out():
    a = Run(2, 3)
    assert settled(Joined.of(a, Run(0, 0))) is a


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (Run(2, 3, "a"), Run(2, 4, "b"), "a (2 → 3) and b (2 → 4)"),
        (
            Joined.of(Run(2, 3, "a"), Run(4, 4, "b")),
            Joined.of(Run(3, 4, "c"), Run(3, 3, "d")),
            "a with b (6 → 7) and c with d (6 → 7), which are divided in different ways",
        ),
        (
            Product((Run(2, 4, "a"), Run(3, 3, "b"))),
            Joined.of(Run(3, 6, "c"), Run(3, 6, "d")),
            "a with b (6 → 12) and c with d (6 → 12), which are divided in different ways",
        ),
        (
            Joined((Run(2, 3, "a"), Run(1, 1, "b")), (1, 0), 3),
            Joined.of(Run(1, 1, "c"), Run(2, 3, "d")),
            "a with b (3 → 4) and c with d (3 → 4), whose sources are in different orders",
        ),
        (Divided(Run(2, 3, "a")), Run(2, 3, "b"), "a (2 → 3) and b (2 → 3), which are divided in different ways"),
    ],
)
def test_what_cannot_be_the_same_is_named(a, b, message):
    with pytest.raises(Untied) as caught:
        tie(a, b)
    assert str(caught.value) == message


def test_axes_that_do_not_get_wider_need_no_tie():
    tie(Joined.of(Run(2, 2), Run(4, 4)), Joined.of(Run(3, 3), Run(3, 3)))
    tie(Product((Run(2, 2), Run(3, 3))), Joined.of(Run(3, 3), Run(3, 3)))
    tie(Divided(Run(2, 2)), Run(2, 2))
