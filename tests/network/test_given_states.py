"""Recurrent units whose state other layers give, and units over an axis of static size."""

import numpy as np
import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.returnn.provided.dims import SpatialDim, single_step_dim

EXTERN_DATA = {"data": {"dim": 5}}
LENGTHS = {"data": np.array([5, 2, 4], "int32")}
MASK = np.arange(5) < LENGTHS["data"][:, None]


def linear(source, n_out):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh"}


def loop(**unit):
    return {"output": {"class": "rec", "from": "data", "unit": unit | {"output": linear("s", 3)}}}


def output(net) -> np.ndarray:
    """:return: [B, T, F], with zeros in the padding; parameters depend on their shapes alone"""
    spec = describe(net, EXTERN_DATA)
    params = {
        path: np.random.default_rng(sum(p.shape)).normal(size=p.shape).astype("float32")
        for path, p in spec.params.items()
    }
    data = {"data": np.random.default_rng(1).normal(size=(3, 5, 5)).astype("float32")}
    x = run_network(spec, params, data, LENGTHS).layers["output"]
    return np.where(MASK[..., None], x.ordered(x.template.axes).numpy(), 0)


LAST = {"class": "get_last_hidden_state", "from": "s", "n_out": 4}


@pytest.mark.parametrize("options", [{"class": "rec", "axis": single_step_dim}, {"class": "rnn_cell"}], ids=str)
@pytest.mark.parametrize(("unit", "state", "layers"), [
    ("StandardLSTM", {"c": "prev:c", "h": "prev:s"}, {"c": LAST | {"key": "c"}}),
    ("GRU", "prev:s", {}),
])  # fmt: skip
def test_a_unit_that_is_given_its_own_last_state_computes_the_same(unit, state, layers, options):
    cell = {**options, "unit": unit, "n_out": 4, "from": "data:source"}
    np.testing.assert_allclose(output(loop(s=cell | {"state": state}, **layers)), output(loop(s=cell)), atol=1e-6)


def test_a_single_step_needs_no_loop():
    net = {
        "mean": {"class": "reduce", "mode": "mean", "axes": "T", "from": "data"},
        "output": {"class": "rec", "unit": "lstm", "n_out": 5, "from": "mean", "state": {"h": "mean", "c": "mean"}},
    }
    assert str(describe(net, EXTERN_DATA).layers["output"].template) == "[batch, feature:5] float32"


VECTOR = {"class": "reduce", "mode": "mean", "axes": "T", "from": "data"}
BAD = {
    "state": ("mean", "'state' must be {'c': …, 'h': …} with a layer for each, found 'mean'"),
    "a part": ({"h": "mean"}, "'state' must have the keys 'c', 'h', found the keys 'h'"),
    "zeros": ({"h": "mean", "c": "zeros"}, "'state' must name a layer for each part of the state, found 'zeros'"),
    "parts": (["mean"], "'state' must have an entry for each of 'c', 'h', found 1 entry"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_state_that_does_not_fit_is_refused(name):
    state, message = BAD[name]
    net = {"mean": VECTOR, "output": {"class": "rec", "unit": "lstm", "n_out": 5, "from": "mean", "state": state}}
    with pytest.raises(NetworkError) as caught:
        describe(net, EXTERN_DATA)
    assert str(caught.value) == f"layer 'output' (rec): {message}"


@pytest.mark.parametrize(("option", "value", "message"), [
    ("n_out", 4, "'state' names 'mean', expected a vector of size 4, found [batch, feature:5] float32"),
    ("initial_state", "var", "'initial_state' has no effect beside 'state', which gives the state before each frame"),
    ("direction", -1, "computes a single step from the given 'state', so 'direction' -1 is not possible"),
    ("axis", "T", "computes a single step from the given 'state', so 'axis' 'T' is not possible"),
])  # fmt: skip
def test_an_option_that_contradicts_a_given_state_is_refused(option, value, message):
    layer = {"class": "rec", "unit": "GRU", "n_out": 5, "from": "mean", "state": "mean", option: value}
    with pytest.raises(NetworkError) as caught:
        describe({"mean": VECTOR, "output": layer}, EXTERN_DATA)
    assert str(caught.value) == f"layer 'output' (rec): {message}"


WINDOW = SpatialDim("window", 3)


def over_windows(source) -> dict:
    return {
        "windows": {"class": "window", "window_dim": WINDOW, "window_right": 0, "from": source},
        "backwards": {"class": "rec", "unit": "GRU", "axis": WINDOW, "n_out": 4, "direction": -1, "from": "windows"},
        "first": {"class": "slice", "axis": WINDOW, "slice_end": 1, "from": "backwards"},
        "s": {"class": "squeeze", "axis": "dim:1", "from": "first"},
    }


@pytest.mark.parametrize("kept", [False, True])
def test_a_unit_over_a_window_reads_only_its_frames(kept):
    net = loop(**over_windows("data:source"))
    net["output"]["optimize_move_layers_out"] = False if kept else None
    expected = output(over_windows("data") | {"output": linear("s", 3)})
    np.testing.assert_allclose(output(net), expected, atol=1e-6)
    assert len({round(float(x), 4) for x in expected[MASK][:, 0]}) == LENGTHS["data"].sum()


def test_a_unit_over_a_window_has_no_state_after_its_last_frame():
    layers = over_windows("data") | {"output": LAST | {"from": "backwards"}}
    with pytest.raises(NetworkError, match=r"'backwards' is not a recurrent layer and has no state$"):
        describe(layers, EXTERN_DATA)
