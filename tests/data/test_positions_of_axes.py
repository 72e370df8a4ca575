"""`extern_data` may say where RETURNN has the axes of a stream; positions that no data set here gives are refused."""

import pytest

from boulder.data.streams import read_extern_data
from boulder.errors import DataError

DENSE = {"dim": 3, "shape": (None, 3)}


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({**DENSE, "batch_dim_axis": 0, "time_dim_axis": 1, "feature_dim_axis": 2}, "dense features [T, 3]"),
        ({**DENSE, "batch_dim_axis": 1, "time_dim_axis": 0, "feature_dim_axis": -1}, "dense features [T, 3]"),
        ({"dim": 3, "sparse": True, "feature_dim_axis": None}, "sparse labels [T] of dimension 3"),
        ({"dim": None, "shape": (None,), "feature_dim_axis": None}, "dense features [T]"),
    ],
)
def test_positions_do_not_change_a_stream(entry, text):
    assert str(read_extern_data({"x": entry})["x"]) == text


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**DENSE, "batch_dim_axis": None}, "'batch_dim_axis' must be from 0 to 2, found None"),
        ({**DENSE, "batch_dim_axis": 3}, "'batch_dim_axis' must be from 0 to 2, found 3"),
        ({**DENSE, "feature_dim_axis": None}, "'feature_dim_axis' must be 2, found None"),
        ({**DENSE, "feature_dim_axis": 1}, "'feature_dim_axis' must be 2, found 1"),
        ({"dim": 3, "sparse": True, "feature_dim_axis": 1}, "'feature_dim_axis' must be None, found 1"),
        ({"dim": 3, "shape": (None, None, 3)}, r"found 'shape' \(None, None, 3\), expected \(None, dim\)"),
        ({"dim": 3, "shape": (3, None)}, r"found 'shape' \(3, None\), expected \(None, dim\)"),
        ({"dim": 3, "shape": (None, 0, 3)}, "found dim 0, expected an integer of at least 1"),
        ({"dim": 3, "shape": (None, 4)}, r"found 'dim' 3 and 'shape' \(None, 4\), expected the same size"),
        ({"dim": 3, "shape": (None, 4), "sparse": True}, r"found 'shape' \(None, 4\), expected \(None,\), of class"),
        ({"dim": 3, "shape": (4, None, 3)}, r"found 'shape' \(4, None, 3\), expected \(None, dim\)"),
        ({"dim": 3, "shape": (None, 4, 3), "feature_dim_axis": 2}, "'feature_dim_axis' must be 3, found 2"),
    ],
)
def test_other_positions_and_axes_are_refused(entry, message):
    with pytest.raises(DataError, match=rf"extern_data\['x'\]: {message}"):
        read_extern_data({"x": entry})
