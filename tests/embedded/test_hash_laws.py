"""Properties of the hash of any object, tested on generated ones."""

import importlib.util
import pathlib

from hypothesis import given, settings
from hypothesis import strategies as st

# by itself: it imports nothing of Sisyphus
SPEC = importlib.util.spec_from_file_location(
    "hash_alone", pathlib.Path(__file__).parents[2] / "embedded/sisyphus/hash.py"
)
hashing = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(hashing)

keys = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
plain = st.recursive(
    keys | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(keys, inner)
        | st.sets(keys)
        | st.frozensets(st.integers())
    ),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(), plain))
def test_order_of_keys_does_not_count(mapping):
    assert hashing.short_hash(mapping) == hashing.short_hash(dict(reversed(mapping.items())))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(), unique=True))
def test_order_of_set_elements_does_not_count(items):
    grown = set()
    for item in reversed(items):
        grown.add(item)
    assert hashing.short_hash(set(items)) == hashing.short_hash(grown)


@settings(max_examples=40, deadline=None)
@given(plain)
def test_type_counts(value):
    assert len({hashing.short_hash(v) for v in (value, [value], (value,), {"key": value})}) == 4


@settings(max_examples=40, deadline=None)
@given(plain, st.integers(1, 40))
def test_a_hash_has_the_requested_length_and_letters(value, length):
    name = hashing.short_hash(value, length, "01")
    assert len(name) == length
    assert set(name) <= {"0", "1"}


@settings(max_examples=40, deadline=None)
@given(plain)
def test_description_stays_short(value):
    assert len(hashing.sis_hash_helper([value] * 50)) <= hashing.LONGEST
