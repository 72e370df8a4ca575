"""`canonical`: plain JSON values with the same meaning."""

import json
import math
import threading
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from boulder.errors import ConfigError
from boulder.schedule.canonical import canonical, digest
from boulder.schedule.functions import restore

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars | st.integers(-5, 5).map(np.int32) | st.floats(width=32).map(np.float32) | st.sets(st.integers()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(0, 3), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(values)
def test_canonical_values_are_json_and_idempotent(value):
    once = canonical(value)
    assert json.loads(json.dumps(once, allow_nan=False)) == once
    assert canonical(once) == once
    assert digest(once) == digest(value)


@given(values)
def test_restored_values_have_the_same_canonical_value(value):
    once = canonical(value)
    assert canonical(restore(once)) == once


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int64(4), 4),
        (np.float32(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array(3), 3),
        ((1, (2,)), [1, [2]]),
        (range(1, 3), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("ba"), ["a", "b"]),
        (Path("a") / "b", "a/b"),
        (True, True),
        (-math.inf, {"#float": "-inf"}),
        ({2: "b", np.int8(1): "a"}, {"#items": [[1, "a"], [2, "b"]]}),
        ({"b": 1, "a": 2}, {"b": 1, "a": 2}),
    ],
)
def test_examples(value, plain):
    result = canonical(value)
    assert result == plain
    assert type(result) is type(plain)
    assert json.dumps(result) == json.dumps(plain)  # distinguishes 1 from True


def test_digests_depend_on_types_but_not_on_the_order_of_keys():
    assert digest({"a": 1, "b": (2,)}) == digest({"b": [2], "a": np.int64(1)})
    assert len({digest(value) for value in (1, True, 1.0, "1", [1], {"1": 1}, {1: 1})}) == 7


def test_integer_keys_and_infinity_are_restored():
    value = {"learning_rates": {1: 0.1, 10: math.inf}}
    assert restore(canonical(value)) == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"l": {"unit": {"lock": threading.Lock()}}}, r"l/unit/lock: found <unlocked .* \(lock\), expected None, bool"),
        ({"l": [1, b"x"]}, r"l\[1\]: found b'x' \(bytes\)"),
        ({"l": {None: 1}}, r"l: found key None \(NoneType\), expected a str or an int"),
        ({"l": {(1, 2): 1}}, r"l: found key \(1, 2\) \(tuple\)"),
        (1j, r"value: found 1j \(complex\)"),
    ],
)
def test_messages_name_the_path_to_a_value_without_plain_form(value, message):
    with pytest.raises(ConfigError, match=message):
        canonical(value)


def test_a_dict_that_contains_itself_is_refused():
    value = {}
    value["again"] = value
    with pytest.raises(ConfigError, match="contains itself"):
        canonical(value)
