"""`twod_lstm` against its formula, over the whole grid and row by row in a loop."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network

EXTERN_DATA = {"data": {"dim": 2}, "rows": {"dim": 3}, "speaker": {"dim": 2, "time_dim_axis": None}}
COLUMNS, ROWS, N = [4, 2], [3, 5], 3
POOLINGS = ("last", "max", "average", "weighted")


def grid(pooling: str, **options) -> dict:
    return {"class": "twod_lstm", "from": ["data", "data:rows"], "n_out": N, "pooling": pooling, **options}


def loop(pooling: str, **options) -> dict:
    """Each frame of the loop is a row; `prev:output` keeps the layer in the loop."""
    unit = {
        "row": {"class": "copy", "from": "data:source"},
        "output": grid(pooling, **{"from": ["base:data", "row"]}),
    }
    return {"output": {"class": "rec", "from": "data:rows", "unit": unit, **options}}


def batch() -> tuple[dict, dict]:
    rng = np.random.default_rng(1)
    data = {"data": rng.normal(size=(2, 4, 2)).astype("float32"), "rows": rng.normal(size=(2, 5, 3)).astype("float32")}
    return data, {"data": np.int32(COLUMNS), "rows": np.int32(ROWS)}


def params_of(spec) -> dict:
    rng = np.random.default_rng(0)
    return {
        path.rpartition("/")[2]: rng.normal(size=p.shape).astype("float32") for path, p in sorted(spec.params.items())
    }


def output(network: dict) -> tuple[np.ndarray, dict]:
    """:return: [B, T, n], and the parameters"""
    spec = describe(network, EXTERN_DATA)
    params = params_of(spec)
    values = {path: params[path.rpartition("/")[2]] for path in spec.params}
    found = run_network(spec, values, *batch()).layers["output"]
    return found.ordered(found.template.axes).numpy(), params


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def expected(pooling: str, params: dict, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """:return: [T, n], for one sequence"""
    c, h = np.zeros((2, len(rows) + 1, len(columns) + 1, N))
    for t, y in enumerate(rows, 1):
        for s, x in enumerate(columns, 1):
            z = np.concatenate([x, y]) @ params["W_re"] + h[t, s - 1] @ params["Vh_re"] + h[t - 1, s] @ params["Vv_re"]
            i, f, weight, o, cell_in = np.split(z, 5)
            weight = sigmoid(weight)
            c[t, s] = sigmoid(i) * np.tanh(cell_in) + sigmoid(f) * (weight * c[t - 1, s] + (1 - weight) * c[t, s - 1])
            h[t, s] = sigmoid(o) * np.tanh(c[t, s])
    h = h[1:, 1:]
    if pooling == "weighted":
        energies = np.exp(np.einsum("tf,fn,tsn->ts", rows, params["W_att"], h))
        return np.einsum("ts,tsn->tn", energies / energies.sum(1, keepdims=True), h)
    return {"last": h[:, -1], "max": h.max(1), "average": h.mean(1)}[pooling]


@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(
    "make", [lambda p: {"output": grid(p)}, loop, lambda p: loop(p, optimize_move_layers_out=False)]
)
def test_the_grid(pooling, make):
    found, params = output(make(pooling))
    data, _ = batch()
    for seq, (columns, rows) in enumerate(zip(COLUMNS, ROWS, strict=True)):
        wanted = expected(pooling, params, data["data"][seq, :columns], data["rows"][seq, :rows])
        np.testing.assert_allclose(found[seq, :rows], wanted, rtol=1e-5, atol=1e-6)


def test_parameters():
    params = describe({"output": grid("weighted")}, EXTERN_DATA).params
    assert {path: param.shape for path, param in params.items()} == {
        "output/rec-twod/Vh_re": (3, 15),
        "output/rec-twod/Vv_re": (3, 15),
        "output/rec-twod/W_re": (5, 15),
        "output/rec-twod/W_att": (3, 3),
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"from": "data"}, "needs two sources in 'from', a sequence and the rows, found 1"),
        ({"from": ["data:speaker", "data"]}, "needs a time axis of its first source, but 'data:speaker' is [batch, feature:2] float32"),
        ({"from": ["data", "data:speaker"]}, "needs a time axis of its second source, but 'data:speaker' is [batch, feature:2] float32"),
        ({"from": ["data", "data"]}, "needs two different time axes, but both sources have time:data"),
        ({"unit_opts": {"x": 1}}, "'unit_opts': the unit has no options, found 'x'"),
        ({"pooling": "mean"}, "option 'pooling' must be 'last' or 'max' or 'average' or 'weighted', found 'mean'"),
    ],
)  # fmt: skip
def test_message(options, message):
    with pytest.raises(NetworkError) as caught:
        describe({"output": {**grid("last"), **options}}, EXTERN_DATA)
    assert str(caught.value) == f"layer 'output' (twod_lstm): {message}"
