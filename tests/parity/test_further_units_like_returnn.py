"""Further recurrent units: the parameters and the numbers of RETURNN, in `rec`, `rnn_cell`, loops and searches."""

import pytest

from tests.parity.comparing import compare, compare_search, network_case, run_cases, search_cases
from tests.parity.test_units_like_returnn import (
    EXTERN_DATA,
    FRAME_AND_OUTPUT,
    KEPT_IN,
    LENGTHS,
    LONG,
    cell,
    check_growth,
    loop,
    rec,
    with_loss,
)

pytestmark = pytest.mark.parity

UNITS = {
    "BasicRNN": [{}, {"activation": "sigmoid"}],
    "VanillaLSTM": [{}],
    "RHN": [{}, {"depth": 2, "transform_bias": -1.0}],
    "GRU": [{"activation": "relu"}],
    "StandardLSTM": [
        {"use_peepholes": True, "cell_clip": 0.5},
        {"num_proj": 3, "proj_clip": 0.1, "activation": "sigmoid"},
    ],
    "LayerNormVariantsLSTM": [
        {},
        {"global_norm": False, "per_gate_norm": True},
        {"global_norm": False, "per_gate_norm": True, "cell_norm_in_output": False},
        {"global_norm": False, "global_norm_joined": True, "hidden_norm": True, "forget_bias": 1.0},
        {"global_norm": False, "global_norm_joined": True, "with_concat": True, "variance_epsilon": 1e-3},
        {"global_norm": False, "per_gate_norm": True, "with_concat": True},
        {"global_norm": False, "cell_norm": False, "forget_bias": 1.0},
        {"global_norm": False, "with_concat": True, "forget_bias": 1.0, "norm_gain": 0.5, "norm_shift": 0.1},
    ],
}
"""name → `unit_opts` to test; the first one in all contexts"""


def contexts(name: str, options: dict) -> dict:
    """:return: name of the case → network and layers"""
    unit_opts = {"unit_opts": options} if options else {}
    text = f"{name} {options}"
    return {
        f"rec {text}": (with_loss(s=rec(name, **unit_opts)), ("s",)),
        f"rec {text} in a loop": (loop(rec(name, FRAME_AND_OUTPUT, **unit_opts)), ("output",)),
    }


def further_contexts(name: str) -> dict:
    return {
        f"rec {name} backwards": (with_loss(s=rec(name, direction=-1)), ("s",)),
        f"rec {name} moved out": (loop(rec(name, "data:source")), ("output",)),
        f"rec {name} from var": (with_loss(s=rec(name, initial_state="var")), ("s",)),
        f"rnn_cell {name}": (with_loss(s=cell(name)), ("s",)),
        f"rnn_cell {name} in a loop": (loop(cell(name, FRAME_AND_OUTPUT)), ("output",)),
        f"rnn_cell {name} kept in": (loop(cell(name, "data:source"), options=KEPT_IN), ("output",)),
        f"rnn_cell {name} in a loop from ones": (
            loop(cell(name, [*FRAME_AND_OUTPUT, "prev:s"], initial_state="ones")),
            ("output",),
        ),
    }


CASES = {
    **{key: case for name, all_ in UNITS.items() for options in all_ for key, case in contexts(name, options).items()},
    **{key: case for name in UNITS for key, case in further_contexts(name).items()},
    "rec NativeLSTM": (with_loss(s=rec("NativeLSTM")), ("s",)),
    "rec NativeLstmLowMem": (with_loss(s=rec("NativeLstmLowMem")), ("s",)),
}
ZONEOUT = {"zoneout_factor_cell": 0.2, "zoneout_factor_output": 0.4}
EVALUATED = {
    f"{cls} ZoneoutLSTM {more}": (
        with_loss(
            s={"class": cls, "unit": "ZoneoutLSTM", "from": "data", "n_out": 3, "unit_opts": {**ZONEOUT, **more}}
        ),
        ("s",),
    )
    for cls in ("rec", "rnn_cell")
    for more in ({"use_zoneout_output": False}, {"use_zoneout_output": True})
}
"""as in training, the mean of the old state and the new one"""
LONG_CASES = {f"rec {name}, 100 frames": (with_loss(s=rec(name)), ("s",)) for name in UNITS}
# RETURNN's gradient is wrong in backward direction where lengths differ
LONG_CASES["rec NativeLstmLowMem backwards"] = (with_loss(s=rec("NativeLstmLowMem", direction=-1)), ("s",))


def searching(name: str, **options) -> dict:
    unit = {
        "output": {"class": "choice", "from": "prob", "target": "classes", "beam_size": 3, "initial_output": 0},
        "end": {"class": "compare", "from": "output", "value": 0},
        "label": {"class": "linear", "activation": None, "from": "prev:output", "n_out": 3, "with_bias": False},
        "s": cell(name, ["label", "prev:s"], 6, **options),
        "prob": {"class": "softmax", "from": "s", "target": "classes", "loss": "ce"},
    }
    return {
        "output": {"class": "rec", "from": [], "target": "classes", "max_seq_len": 8, "unit": unit},
        "decision": {"class": "decide", "from": "output", "is_output_layer": True},
    }


SEARCHES = {name: searching(name) for name in UNITS} | {"ZoneoutLSTM": searching("ZoneoutLSTM", unit_opts=ZONEOUT)}


@pytest.fixture(scope="module")
def results(returnn):
    cases = {name: network_case(network, EXTERN_DATA, LENGTHS, layers) for name, (network, layers) in CASES.items()}
    cases |= {
        name: network_case(network, EXTERN_DATA, LENGTHS, layers) | {"train": False}
        for name, (network, layers) in EVALUATED.items()
    }
    cases |= {name: network_case(network, EXTERN_DATA, LONG, layers) for name, (network, layers) in LONG_CASES.items()}
    for name, network in SEARCHES.items():
        for number, case in enumerate(search_cases(network, EXTERN_DATA, LENGTHS, range(3), scale=1.5)):
            cases[f"search {name} {number}"] = case
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", [*CASES, *EVALUATED])
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])


@pytest.mark.parametrize("name", LONG_CASES)
def test_100_frames_match(results, name):
    compare(*results[name], rtol=1e-4)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_finds_the_same_labels(results, name):
    assert len({labels for number in range(3) for labels in compare_search(*results[f"search {name} {number}"])}) > 1


def test_units_grow_as_in_returnn(returnn):
    check_growth(returnn, [name for name in UNITS if name not in ("GRU", "StandardLSTM")])
