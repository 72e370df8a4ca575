"""Recurrent units that compute single steps or run over windows, first values of loops, outputs of branches; see tests/every_layer.py."""

from boulder.returnn.provided.dims import SpatialDim

_WINDOW = SpatialDim("window", 3)


def _linear(source, n_out, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh", **options}


def _branch(**options) -> dict:
    halves = {"class": "split", "from": "data", "num_splits": 2}
    more = _linear(["halves/1", "halves/0"], 3, is_output_layer=True, **options)
    return {
        "class": "subnetwork", "from": "projected",
        "subnetwork": {"halves": halves, "more": more, "output": _linear("more", 4)},
    }  # fmt: skip


_UNIT = {
    "a": _linear(["data:source", "prev:a", "prev:b"], 4, initial_output="apply(0)"),
    "b": _linear("data:source", 3, initial_output="apply(0)"),
    "step": {"class": "rnn_cell", "unit": "GRU", "n_out": 4, "from": "data:source", "state": "a"},
    "output": _linear(["step", "b"], 3),
}
_NETWORK = {
    "projected": _linear("data:dense", 4),
    "windows": {"class": "window", "window_dim": _WINDOW, "window_right": 0, "from": "projected"},
    "backwards": {"class": "rec", "unit": "GRU", "axis": _WINDOW, "n_out": 4, "direction": -1, "from": "windows"},
    "best": {"class": "reduce", "mode": "max", "axes": _WINDOW, "from": "backwards"},
    "loop": {"class": "rec", "from": "best", "unit": _UNIT},
    "one": {"class": "constant", "value": 1.0},
    "is": {"class": "compare", "from": "one", "kind": "greater", "value": 0.0},
    "branch": {"class": "cond", "condition": "is", "true_layer": _branch(), "false_layer": _branch(bias_init=1.0)},
    "output": _linear(["loop", "branch", "branch/more"], 3, loss="as_is"),
}
NETWORKS = {"steps": _NETWORK}
