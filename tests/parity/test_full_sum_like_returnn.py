"""Full-sum training over automata that are data has RETURNN's numbers; RETURNN gets the automata in place of RASR's."""

import numpy as np
import pytest

from boulder.lexicon import Topology, TranscriptAutomata
from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 4, "shape": (None, 4)},
    "classes": {"dim": 5, "sparse": True, "shape": (None,)},
    "automata": {"dim": 4, "shape": (None, 4)},
}
FRAMES = [9, 7, 3]
LEXICON = {"ab": [("a", "b")], "a": [("a",), ("b", "b")]}
WORDS = [["ab", "a"], ["a"], []]
SPRINT = {"align_target": "sprint", "sprint_opts": {"sprintExecPath": "nn-trainer", "automata": "automata"}}


def softmax(**options) -> dict:
    return {"class": "softmax", "from": "data", "n_out": 5, **options}


def via(**loss_opts) -> dict:
    return {"class": "copy", "from": "p", "loss": "via_layer", "loss_opts": loss_opts}


def bw(source="p", input_type="prob", **options) -> dict:
    return {"class": "fast_bw", "from": source, "input_type": input_type, **SPRINT, **options}


def full_sum(**options) -> dict:
    return {"loss": "fast_bw", "loss_opts": {"sprint_opts": SPRINT["sprint_opts"], **options}}


OF_SOFTMAX = {"loss_wrt_to_act_in": "softmax", "align_layer": "bw"}
PRIOR = "safe_log(source(0)) * 0.7 - tf.math.log(source(1)) * 0.3"
CASES = {
    "loss": ({"output": softmax(**full_sum())}, ("output",)),
    "loss, transitions scaled": ({"output": softmax(**full_sum(tdp_scale=0.3), loss_scale=0.5)}, ()),
    "loss, no transitions": ({"output": softmax(**full_sum(tdp_scale=0.0))}, ()),
    "layer": ({"p": softmax(), "bw": bw(), "output": via(**OF_SOFTMAX)}, ("bw",)),
    "layer, scaled": (
        {"p": softmax(), "bw": bw(am_scale=0.3, tdp_scale=0.6, min_prob=0.01), "output": via(**OF_SOFTMAX)}, ("bw",),
    ),
    "layer after a prior": (
        {
            "p": softmax(),
            "prior": {"class": "accumulate_mean", "from": "p", "exp_average": 0.01, "is_prob_distribution": True},
            "scores": {"class": "eval", "from": ["p", "prior"], "eval": PRIOR},
            "bw": bw("scores", "log_prob"),
            "output": via(**OF_SOFTMAX),
        },
        ("scores", "bw"),
    ),
    "smoothed with an alignment": (
        {
            "p": softmax(),
            "bw": bw(),
            "output": {**via(**OF_SOFTMAX), "loss_scale": 0.9},
            "ce": softmax(**{"from": "data", "loss": "ce", "loss_scale": 0.1}),
        },
        (),
    ),
}  # fmt: skip


def automata(loop: float, forward: float) -> list[np.ndarray]:
    """:return: rows of the automaton of each sequence"""
    topology = Topology(phonemes=["a", "b"], states=2, loop=loop, forward=forward, silence_loop=0.4)
    maker = TranscriptAutomata(LEXICON, topology)
    return [maker.arcs(words, "tag") for words in WORDS]


def as_rasr(arcs: list[np.ndarray]) -> tuple:
    """:return: what RASR would give: edges [4, E], weights [E], first and last states [2, B]; RASR has one last state"""
    edges, weights, ends, offset = [], [], [], 0
    for sequence, rows in enumerate(arcs):
        finals = {row[0] for row in rows if row[2] == -1}
        last = int(rows[:, :2].max()) + 1
        for source, target, label, cost in rows[rows[:, 2] >= 0]:
            for state in [target, *([last] if target in finals else [])]:
                edges.append((source + offset, state + offset, label, sequence))
                weights.append(cost)
        ends.append((offset, last + offset))
        offset += last + 1
    return np.array(edges, "int32").T, np.array(weights, "float32"), np.array(ends, "int32").T


@pytest.fixture(scope="module")
def results(returnn):
    arcs = automata(0.2, 1.1)
    sizes = [len(rows) for rows in arcs]
    padded = np.zeros((len(arcs), max(sizes), 4), "float32")
    for row, rows in zip(padded, arcs, strict=True):
        row[: len(rows)] = rows
    cases = {}
    lengths = {"data": FRAMES, "classes": FRAMES, "automata": sizes}
    for name, (network, layers) in CASES.items():
        case = network_case(network, EXTERN_DATA, lengths, layers)
        case["params"] = {
            path: np.full(value.shape, 1 / value.size, "float32") if "mean" in path else value
            for path, value in case["params"].items()
        }
        cases[name] = case | {"automata": as_rasr(arcs), "data": case["data"] | {"automata": padded}}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", CASES)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])
