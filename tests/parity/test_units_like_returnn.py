"""Recurrent units, what they remember, and where they begin: with the parameters and the numbers that RETURNN gives."""

import numpy as np
import pytest

from boulder.network import describe
from boulder.training.growth import grow
from tests.parity.comparing import case, compare, compare_search, random_params, search_cases

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


def judged(**layers) -> dict:
    """:return: with a loss, so that there are gradients"""
    output = {"class": "softmax", "from": "s", "loss": "ce", "target": "classes"}
    return {**layers, "output": layers.get("output", output)}


def loop(s: dict, before: dict | None = None, options: dict | None = None, **layers) -> dict:
    """:return: the loop feeds its output back to `s`, unless `s` reads something else"""
    inside = {
        "s": s,
        "output": {"class": "softmax", "from": ["s"], "loss": "ce", "target": "classes"},
        **layers,
    }
    return {
        **(before or {}),
        "output": {"class": "rec", "from": "data", "target": "classes", "unit": inside, **(options or {})},
    }


BACK = ["data:source", "prev:output"]
KEPT = {"optimize_move_layers_out": False}
ENCODER = {
    "fw": rec("nativelstm2"),
    "bw": rec("nativelstm2", direction=-1),
}


def state(source, n: int, **options) -> dict:
    return {"class": "get_last_hidden_state", "from": source, "n_out": n, **options}


CASES = {
    **{f"rec {name}": (judged(s=rec(name)), ("s",)) for name in REC},
    **{f"rec {name} backwards": (judged(s=rec(name, direction=-1)), ("s",)) for name in REC},
    **{f"rec {name} in a loop": (loop(rec(name, BACK)), ("output",)) for name in REC},
    **{f"rec {name} moved out": (loop(rec(name, "data:source")), ("output",)) for name in REC},
    **{f"rnn_cell {name}": (judged(s=cell(name)), ("s",)) for name in CELL},
    **{f"rnn_cell {name} in a loop": (loop(cell(name, BACK)), ("output",)) for name in CELL},
    **{f"rnn_cell {name} kept in": (loop(cell(name, "data:source"), options=KEPT), ("output",)) for name in CELL},
    **{f"rnn_cell {name} moved out": (loop(cell(name, "data:source")), ("output",)) for name in CELL},
    **{
        f"rec {name} begins with {initial}": (judged(s=rec(name, initial_state=initial)), ("s",))
        for name in ("nativelstm2", "StandardLSTM", "GRU")
        for initial in ("var", "ones", 1, 0, "zeros")
    },
    **{
        f"rnn_cell {name} in a loop begins with {initial}": (
            loop(cell(name, [*BACK, "prev:s"], initial_state=initial)), ("output",),
        )
        for name in ("LSTMBlock", "BasicLSTM", "GRU")
        for initial in ("var", "ones", 1, 0, "zeros")
    },
    "rec in a loop begins with var": (loop(rec("lstm", [*BACK, "prev:s"], initial_state="var")), ("output",)),
    "forget bias": (judged(s=rec("StandardLSTM", unit_opts={"forget_bias": 0.3})), ("s",)),
    "forget bias in a loop": (loop(cell("LSTMBlock", BACK, unit_opts={"forget_bias": 0.0})), ("output",)),
    "several layers": (judged(a=rec("GRU"), b=cell("LSTMBlock"), s=rec("BasicLSTM", ["a", "b", "data"])), ("s",)),
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
    "a decoder begins with the encoder's state": (
        loop(
            cell("LSTMBlock", [*BACK, "prev:s"], 6, initial_state={"c": "base:c", "h": "base:h"}),
            {**ENCODER, "c": state(["fw", "bw"], 6, key="c"), "h": state(["fw", "bw"], 6, key="h")},
        ),
        ("output", "c", "h"),
    ),
    "a moved decoder begins with the encoder's state": (
        loop(
            cell("LSTMBlock", "data:source", 6, initial_state={"c": "base:c", "h": "base:h"}),
            {**ENCODER, "c": state(["fw", "bw"], 6, key="c"), "h": state(["fw", "bw"], 6, key="h")},
        ),
        ("output", "c", "h"),
    ),
    "a GRU begins with another one": (judged(a=rec("GRU", direction=-1), s=rec("GRU", initial_state="a")), ("s",)),
    "a GRU begins with all of an LSTM": (judged(a=rec("lstm"), s=rec("GRU", n=6, initial_state="a")), ("s",)),
    "parts from two layers, as a list": (
        judged(a=rec("GRU"), s=rec("StandardLSTM", initial_state=["a", "ones"])), ("s",),
    ),
    "a layer without a memory": (
        judged(h=state("a", 3, key="h"), a=rec("lstm"),
               l={"class": "linear", "from": "h", "n_out": 3, "activation": "tanh"},
               s=rec("lstm", initial_state={"c": "l", "h": 0})),
        ("s",),
    ),
    "states of this frame": (
        loop(
            cell("LSTMBlock", BACK),
            c=state("s", 3, key="c"),
            output={"class": "softmax", "from": ["s", "c"], "loss": "ce", "target": "classes"},
        ),
        ("output",),
    ),
    "states of this frame, of rec": (
        loop(
            rec("lstm", BACK),
            c=state("s", 6),
            output={"class": "softmax", "from": ["c"], "loss": "ce", "target": "classes"},
        ),
        ("output",),
    ),
}  # fmt: skip
LONG_CASES = {f"{what} {name}, 100 frames": (judged(s=make(name)), ("s",)) for what, make, names in (
    ("rec", rec, REC), ("rnn_cell", cell, CELL)
) for name in names} | {f"loop of {name}, 100 frames": (loop(cell(name, BACK)), ("output",)) for name in CELL}  # fmt: skip


@pytest.fixture(scope="module")
def answers(returnn):
    asked = {name: case(network, EXTERN_DATA, LENGTHS, layers) for name, (network, layers) in CASES.items()}
    asked |= {name: case(network, EXTERN_DATA, LONG, layers) for name, (network, layers) in LONG_CASES.items()}
    return {
        name: (asked[name], found)
        for name, found in zip(asked, returnn([dict(a) for a in asked.values()]), strict=True)
    }


@pytest.mark.parametrize("name", CASES)
def test_outputs_losses_and_gradients_are_returnns(answers, name):
    compare(*answers[name])


@pytest.mark.parametrize("name", LONG_CASES)
def test_through_100_frames_as_well(answers, name):
    compare(*answers[name], rtol=1e-4)


def growing(name: str, width: int) -> dict:
    return {
        "a": cell(name, n=width),
        "b": rec(name, ["a", "data"], width),
        **loop(cell(name, ["data:source", "prev:output"], width), {}, {"from": ["a", "b"]}),
    }


def test_units_grow_as_in_returnn(returnn):
    cases, ours = [], []
    for name in ("LSTMBlock", "BasicLSTM", "GRU"):
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
    for asked, grown, found in zip(cases, ours, returnn([dict(one) for one in cases]), strict=True):
        assert set(grown) == set(found)
        for path, value in found.items():
            np.testing.assert_array_equal(grown[path], value, err_msg=f"{asked['mode']}: {path}")


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


OF_ENCODER = {"c": "base:c", "h": "base:h"}
# RETURNN cannot begin with a layer's state if there are several hypotheses
SEARCHES = [(4, "var"), (1, OF_ENCODER)]


def test_a_search_finds_what_returnn_finds(returnn):
    asked = []
    for beam_size, initial in SEARCHES:
        asked += search_cases(searching(beam_size, initial), EXTERN_DATA, LENGTHS, range(4), scale=1.5)
    found = returnn([dict(one) for one in asked])
    different = {labels for pair in zip(asked, found, strict=True) for labels in compare_search(*pair)}
    assert len(different) > 5
