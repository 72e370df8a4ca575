"""`dot` against `numpy.einsum`."""

import numpy as np
import pytest

from boulder.network import describe

A = {"a": {"class": "linear", "from": "data", "n_out": 4, "activation": "tanh"}}
# options, template of the output, formula of `a` [B, T, 4], the data [B, T, 5] and the mask [B, T]
CASES = {
    "frames": (
        {"from": ["a", "data"], "red1": "T", "red2": "T", "var1": "F", "var2": "F"},
        "[batch, spatial:4, feature:5] float32",
        lambda a, d, m: np.einsum("btx,bty,bt->bxy", a, d, m),
    ),
    "auto": (
        {"from": ["a", "data"], "reduce": "T"},
        "[batch, spatial:4, feature:5] float32",
        lambda a, d, m: np.einsum("btx,bty,bt->bxy", a, d, m),
    ),
    "features": (
        {"from": ["a", "a"], "red1": "F", "red2": "F", "var1": None, "var2": None},
        "[batch, time:data, feature:1] float32",
        lambda a, d, m: (a * a).sum(-1, keepdims=True),
    ),
    "nothing is added": (
        {"from": ["a", "a"], "red1": -1, "red2": -1, "var1": None, "var2": None, "add_var2_if_empty": False},
        "[batch, time:data] float32",
        lambda a, d, m: (a * a).sum(-1),
    ),
    "both": (
        {"from": ["a", "a"], "reduce": ["T", "F"], "var1": None, "var2": None, "add_var2_if_empty": False},
        "[batch] float32",
        lambda a, d, m: np.einsum("btx,btx,bt->b", a, a, m),
    ),
    "defaults": (
        {"from": ["a", "matrix"]},
        "[batch, time:data, feature:5] float32",
        lambda a, d, m: np.einsum("btx,bxy->bty", a, np.einsum("btx,bty,bt->bxy", a, d, m)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_dot_is_a_contraction(name, run, random_batch, values):
    options, template, formula = CASES[name]
    net = {**A, "matrix": {"class": "dot", "from": ["a", "data"], "reduce": "T"}, "output": {"class": "dot", **options}}
    data, lengths = random_batch((4, 2, 0))
    output = run(net, data, lengths)
    assert str(output.layers["output"].template) == template
    mask = np.arange(4) < lengths["data"][:, None]
    expected = formula(values(output, "a"), data["data"], mask)
    np.testing.assert_allclose(values(output), expected, rtol=1e-4, atol=1e-5)


def test_static_axes_of_equal_size_stay_distinct(extern_data):
    net = {
        **A,
        "b": A["a"],
        "output": {"class": "dot", "from": ["a", "b"], "red1": "T", "red2": "T", "var1": "F", "var2": "F"},
    }
    assert str(describe(net, extern_data).layers["output"].template) == "[batch, spatial:4, feature:4] float32"


def test_dot_of_two_sequences_has_an_entry_for_each_pair_of_frames(run, random_batch, values, extern_data):
    net = {
        "q": {"class": "linear", "from": "data:classes", "n_out": 4},
        "k": {"class": "linear", "from": "data:letters", "n_out": 4},
        "output": {"class": "dot", "from": ["q", "k"], "red1": "F", "red2": "F", "var1": "T", "var2": "T"},
    }
    output = run(net, *random_batch((4, 2)))
    assert str(output.layers["output"].template) == "[batch, time:classes, time:letters] float32"
    expected = np.einsum("bqx,bkx->bqk", values(output, "q"), values(output, "k"))
    np.testing.assert_allclose(values(output), expected, rtol=1e-4, atol=1e-6)


SOURCES = "'a' is [batch, time:data, feature:4] float32, 'data:data' is [batch, time:data, feature:5] float32"
BAD = [
    ({"from": ["a"]}, "needs two sources in 'from', found 1"),
    (
        {"from": ["a", "data:letters"]},
        "its sources must have one float dtype: 'a' is [batch, time:data, feature:4] float32, 'data:letters' is "
        "[batch, time:letters], 6 classes int32",
    ),
    (
        {"from": ["a", "data"], "red1": "F", "red2": "F"},
        f"'F' of the first source and 'F' of the second cannot be reduced together: {SOURCES}",
    ),
    ({"from": ["a", "data"], "reduce": "T", "red1": "T"}, "'reduce' replaces 'red1' and 'red2', found both"),
    (
        {"from": ["a", "data"], "red1": "T", "red2": "T", "var1": "T", "var2": "F"},
        f"an axis of 'var1', 'T', or 'var2', 'F', is also reduced: {SOURCES}",
    ),
    (
        {"from": ["a", "data"], "red1": "T", "red2": "T", "var1": "F", "var2": None},
        f"only one source has the axis feature:5, and it is neither reduced nor in 'var1' or 'var2': {SOURCES}",
    ),
    (
        {"from": ["a", "a"], "red1": "F", "red2": "F", "var1": "T", "var2": "T"},
        "the result would have the axis time:data twice: 'a' is [batch, time:data, feature:4] float32, 'a' is "
        "[batch, time:data, feature:4] float32",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("options", "message"), BAD)
def test_message(options, message, check_message):
    check_message({**A, "output": {"class": "dot", **options}}, f"layer 'output' (dot): {message}")
