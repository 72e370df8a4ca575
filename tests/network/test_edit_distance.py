"""The layer `edit_distance` against the definition."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from tests.network.test_losses import edit_distance

EXTERN_DATA = {"data": {"dim": 3, "sparse": True}, "other": {"dim": 3, "sparse": True}, "dense": {"dim": 3}}


def network(a: str = "data", b: str = "data:other", **options) -> dict:
    return {"output": {"class": "edit_distance", "a": a, "b": b, **options}}


def test_distances():
    rng = np.random.default_rng(0)
    pairs = [(rng.integers(0, 3, n).tolist(), rng.integers(0, 3, m).tolist()) for n in (0, 1, 5) for m in (0, 2, 6)]
    data = {
        key: np.int32([pair[i] + [1] * (6 - len(pair[i])) for pair in pairs]) for i, key in enumerate(("data", "other"))
    }
    lengths = {key: np.int32([len(pair[i]) for pair in pairs]) for i, key in enumerate(("data", "other"))}
    found = run_network(describe(network(), EXTERN_DATA), {}, data, lengths).layers["output"]
    assert found.value.numpy().tolist() == [edit_distance(*pair) for pair in pairs]


def test_a_missing_option():
    with pytest.raises(NetworkError, match=r"layer 'output' \(edit_distance\): option 'b' is missing"):
        describe({"output": {"class": "edit_distance", "a": "data"}}, EXTERN_DATA)


def test_a_layer_of_another_package():
    with pytest.raises(NetworkError, match="layer class 'kenlm' needs the package kenlm"):
        describe({"output": {"class": "kenlm", "from": "data"}}, EXTERN_DATA)
