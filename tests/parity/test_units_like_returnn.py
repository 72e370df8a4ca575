"""Recurrent units, their states and their initial states give the same parameters and numbers as in RETURNN."""

import numpy as np
import pytest

from boulder.network import describe
from boulder.training.growth import grow
from tests.parity.comparing import compare, compare_search, network_case, random_params, run_cases, search_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 4, "shape": (None, 4)},
    "classes": {"dim": 5, "sparse": True, "shape": (None,)},
}
LENGTHS = {"data": [6, 3, 5], "classes": [6, 3, 5]}
LONG = {"data": [100, 100], "classes": [100, 100]}

REC = ("LSTMBlock", "lstmp", "nativelstm2", "BasicLSTM", "StandardLSTM", "GRU")
CELL = ("LSTMBlock", "LSTMBlockFused", "BasicLSTM", "StandardLSTM", "GRU")


def unit(cls: str, name: str, source="data", n: int = 3, **options) -> dict:
    return {"class": cls, "unit": name, "from": source, "n_out": n, **options}


def rec(name, source="data", n=3, **options):
    return unit("rec", name, source, n, **options)


def cell(name, source="data", n=3, **options):
    return unit("rnn_cell", name, source, n, **options)


def with_loss(**layers) -> dict:
    """:return: `layers`, with an output layer that has a loss on `s` by default"""
    output = {"class": "softmax", "from": "s", "loss": "ce", "target": "classes"}
    return {**layers, "output": layers.get("output", output)}


def loop(s: dict, before: dict | None = None, options: dict | None = None, **layers) -> dict:
    """:return: loop over `s`, with a softmax as its output unless `layers` replaces it"""
    inside = {
        "s": s,
        "output": {"class": "softmax", "from": ["s"], "loss": "ce", "target": "classes"},
        **layers,
    }
    return {
        **(before or {}),
        "output": {"class": "rec", "from": "data", "target": "classes", "unit": inside, **(options or {})},
    }


FRAME_AND_OUTPUT = ["data:source", "prev:output"]
KEPT_IN = {"optimize_move_layers_out": False}
ENCODER = {
    "fw": rec("nativelstm2"),
    "bw": rec("nativelstm2", direction=-1),
}


def state(source, n: int, **options) -> dict:
    return {"class": "get_last_hidden_state", "from": source, "n_out": n, **options}


CASES = {
    **{f"rec {name}": (with_loss(s=rec(name)), ("s",)) for name in REC},
    **{f"rec {name} backwards": (with_loss(s=rec(name, direction=-1)), ("s",)) for name in REC},
    **{f"rec {name} in a loop": (loop(rec(name, FRAME_AND_OUTPUT)), ("output",)) for name in REC},
    **{f"rec {name} moved out": (loop(rec(name, "data:source")), ("output",)) for name in REC},
    "rec of classes": (with_loss(s=rec("nativelstm2", "data:classes")), ("s",)),
    "rec of classes in a loop": (loop(rec("nativelstm2", "data:classes")), ("output",)),
    **{f"rnn_cell {name}": (with_loss(s=cell(name)), ("s",)) for name in CELL},
    **{f"rnn_cell {name} in a loop": (loop(cell(name, FRAME_AND_OUTPUT)), ("output",)) for name in CELL},
    **{f"rnn_cell {name} kept in": (loop(cell(name, "data:source"), options=KEPT_IN), ("output",)) for name in CELL},
    **{f"rnn_cell {name} moved out": (loop(cell(name, "data:source")), ("output",)) for name in CELL},
    **{
        f"rec {name} starts from {initial}": (with_loss(s=rec(name, initial_state=initial)), ("s",))
        for name in ("nativelstm2", "StandardLSTM", "GRU")
        for initial in ("var", "ones", 1, 0, "zeros")
    },
    **{
        f"rnn_cell {name} in a loop starts from {initial}": (
            loop(cell(name, [*FRAME_AND_OUTPUT, "prev:s"], initial_state=initial)), ("output",),
        )
        for name in ("LSTMBlock", "BasicLSTM", "GRU")
        for initial in ("var", "ones", 1, 0, "zeros")
    },
    "rec in a loop starts from var": (loop(rec("lstm", [*FRAME_AND_OUTPUT, "prev:s"], initial_state="var")), ("output",)),
    "forget bias": (with_loss(s=rec("StandardLSTM", unit_opts={"forget_bias": 0.3})), ("s",)),
    "forget bias in a loop": (loop(cell("LSTMBlock", FRAME_AND_OUTPUT, unit_opts={"forget_bias": 0.0})), ("output",)),
    "several layers": (with_loss(a=rec("GRU"), b=cell("LSTMBlock"), s=rec("BasicLSTM", ["a", "b", "data"])), ("s",)),
    "last states": (
        {
            **ENCODER, "gru": rec("GRU", direction=-1), "cell": cell("LSTMBlock"),
            "all": state(["fw", "bw"], 12),
            "c": state(["fw", "bw"], 6, key="c"),
            "h": state(["fw", "bw"], 3, key="h", combine="add"),
            "g": state("gru", 3), "g0": state("gru", 3, key=None), "flat": state("cell", 6, key="flat"),
            "output": {"class": "copy", "from": ["all", "c", "h", "g", "g0", "flat"], "loss": "as_is"},
        },
        ("all", "c", "h", "g", "g0", "flat"),
    ),
    "a decoder starts from the encoder's state": (
        loop(
            cell("LSTMBlock", [*FRAME_AND_OUTPUT, "prev:s"], 6, initial_state={"c": "base:c", "h": "base:h"}),
            {**ENCODER, "c": state(["fw", "bw"], 6, key="c"), "h": state(["fw", "bw"], 6, key="h")},
        ),
        ("output", "c", "h"),
    ),
    "a moved decoder starts from the encoder's state": (
        loop(
            cell("LSTMBlock", "data:source", 6, initial_state={"c": "base:c", "h": "base:h"}),
            {**ENCODER, "c": state(["fw", "bw"], 6, key="c"), "h": state(["fw", "bw"], 6, key="h")},
        ),
        ("output", "c", "h"),
    ),
    "a GRU starts from another one": (with_loss(a=rec("GRU", direction=-1), s=rec("GRU", initial_state="a")), ("s",)),
    "a GRU starts from both states of an LSTM": (with_loss(a=rec("lstm"), s=rec("GRU", n=6, initial_state="a")), ("s",)),
    "initial state as a list": (
        with_loss(a=rec("GRU"), s=rec("StandardLSTM", initial_state=["a", "ones"])), ("s",),
    ),
    "initial state from a layer without a state": (
        with_loss(h=state("a", 3, key="h"), a=rec("lstm"),
               l={"class": "linear", "from": "h", "n_out": 3, "activation": "tanh"},
               s=rec("lstm", initial_state={"c": "l", "h": 0})),
        ("s",),
    ),
    "states of this frame": (
        loop(
            cell("LSTMBlock", FRAME_AND_OUTPUT),
            c=state("s", 3, key="c"),
            output={"class": "softmax", "from": ["s", "c"], "loss": "ce", "target": "classes"},
        ),
        ("output",),
    ),
    "states of this frame, of rec": (
        loop(
            rec("lstm", FRAME_AND_OUTPUT),
            c=state("s", 6),
            output={"class": "softmax", "from": ["c"], "loss": "ce", "target": "classes"},
        ),
        ("output",),
    ),
}  # fmt: skip
LONG_CASES = {f"{what} {name}, 100 frames": (with_loss(s=make(name)), ("s",)) for what, make, names in (
    ("rec", rec, REC), ("rnn_cell", cell, CELL)
) for name in names} | {f"loop of {name}, 100 frames": (loop(cell(name, FRAME_AND_OUTPUT)), ("output",)) for name in CELL}  # fmt: skip


@pytest.fixture(scope="module")
def results(returnn):
    cases = {name: network_case(network, EXTERN_DATA, LENGTHS, layers) for name, (network, layers) in CASES.items()}
    cases |= {name: network_case(network, EXTERN_DATA, LONG, layers) for name, (network, layers) in LONG_CASES.items()}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", CASES)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])


@pytest.mark.parametrize("name", LONG_CASES)
def test_100_frames_match(results, name):
    compare(*results[name], rtol=1e-4)


def growing(name: str, width: int) -> dict:
    return {
        "a": cell(name, n=width),
        "b": rec(name, ["a", "data"], width),
        **loop(cell(name, ["data:source", "prev:output"], width), {}, {"from": ["a", "b"]}),
    }


def test_units_grow_as_in_returnn(returnn):
    check_growth(returnn, ("LSTMBlock", "BasicLSTM", "GRU"))


def check_growth(returnn, names):
    cases, ours = [], []
    for name in names:
        for sizes in ((2, 3), (3, 6), (4, 2)):
            old_net, new_net = (growing(name, width) for width in sizes)
            old, new = (describe(net, EXTERN_DATA).params for net in (old_net, new_net))
            params, fresh = (
                random_params(describe(old_net, EXTERN_DATA)),
                random_params(describe(new_net, EXTERN_DATA), 3),
            )
            for mode in ("ifpossible", "subset"):
                ours.append(grow(params, old, new, lambda spec, fresh=fresh: fresh[spec.path].copy(), mode)[0])
                cases.append(
                    {
                        "kind": "grow", "old_net": old_net, "new_net": new_net, "extern_data": EXTERN_DATA, "params": params,
                        "fresh": fresh, "mode": mode,
                    }
                )  # fmt: skip
    for case, grown, expected in zip(cases, ours, returnn(cases), strict=True):
        assert set(grown) == set(expected)
        for path, value in expected.items():
            np.testing.assert_array_equal(grown[path], value, err_msg=f"{case['mode']}: {path}")


def searching(beam_size: int, initial_state) -> dict:
    unit = {
            "output": {"class": "choice", "from": "prob", "target": "classes", "beam_size": beam_size, "initial_output": 0},
            "end": {"class": "compare", "from": "output", "value": 0},
            "label": {"class": "linear", "activation": None, "from": "prev:output", "n_out": 3, "with_bias": False},
            "s": cell("LSTMBlock", ["label", "prev:s"], 6, initial_state=initial_state),
            "g": cell("GRU", ["s", "label"], 3, initial_state="var"),
            "memory": state("s", 6, key="c"),
            "prob": {"class": "softmax", "from": ["s", "g", "memory"], "target": "classes", "loss": "ce"},
    }  # fmt: skip
    return {
        **ENCODER,
        "c": state(["fw", "bw"], 6, key="c"),
        "h": state(["fw", "bw"], 6, key="h"),
        "output": {"class": "rec", "from": [], "target": "classes", "max_seq_len": 8, "unit": unit},
        "decision": {"class": "decide", "from": "output", "is_output_layer": True},
    }


STATES_OF_ENCODER = {"c": "base:c", "h": "base:h"}
# RETURNN cannot start from the state of a layer with a beam of more than one hypothesis
SEARCHES = [(4, "var"), (1, STATES_OF_ENCODER)]


def test_a_search_finds_the_same_labels(returnn):
    cases = []
    for beam_size, initial in SEARCHES:
        cases += search_cases(searching(beam_size, initial), EXTERN_DATA, LENGTHS, range(4), scale=1.5)
    different = {labels for pair in zip(cases, returnn(cases), strict=True) for labels in compare_search(*pair)}
    assert len(different) > 5
