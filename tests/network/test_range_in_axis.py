"""`range_in_axis`: the numbers of the entries along an axis."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.errors import NetworkError
from boulder.network import describe, run_network

EXTERN_DATA = {"data": {"dim": 3}}


def numbers(**options) -> np.ndarray:
    net = {"output": {"class": "range_in_axis", "from": "data", "is_output_layer": True, **options}}
    spec = describe(net, EXTERN_DATA)
    data, lengths = {"data": tf.zeros([2, 4, 3])}, {"data": tf.constant([4, 2])}
    return run_network(spec, {}, data, lengths).layers["output"].value.numpy()


@pytest.mark.parametrize(("axis", "count"), [("T", 4), ("F", 3)])
@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_entries_are_numbered_from_0(axis, count, dtype):
    found = numbers(axis=axis, dtype=dtype)
    assert found.dtype == dtype
    assert found.tolist() == list(range(count))


def test_the_batch_has_no_numbers():
    with pytest.raises(NetworkError, match="'axis' must be an axis of each sequence, found the batch"):
        numbers(axis="B")
