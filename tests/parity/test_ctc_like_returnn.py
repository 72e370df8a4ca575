"""Loss `ctc` has RETURNN's numbers in all its spellings, on targets with equal labels in a row, which fit into the frames or just so."""

import numpy as np
import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 4, "shape": (None, 4)},
    "classes": {"dim": 3, "sparse": True, "shape": (None,)},
}
LENGTHS = {"data": [12, 8, 5, 3], "classes": [6, 4, 3, 1]}
LABELS = np.array([[0, 0, 1, 1, 1, 2], [2, 2, 2, 0, 1, 1], [1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1]], "int32")


def ctc(options: dict | None = None, activation: str = "softmax", **loss_opts) -> dict:
    opts = {"beam_width": 1, **loss_opts, **({"ctc_opts": options} if options else {})}
    layer = {"class": "linear", "activation": activation, "from": "data", "n_out": 4, "loss": "ctc", "loss_opts": opts}
    return {"output": layer}


def native(options: dict | None = None, **loss_opts) -> dict:
    return ctc(options, use_native=True, **loss_opts)


CASES = {
    "default": ctc(),
    "collapsed": ctc(target_collapse_repeated=True),
    "collapsed by TensorFlow": ctc({"preprocess_collapse_repeated": True}),
    "repetitions not merged": ctc({"ctc_merge_repeated": False}),
    "repetitions not merged, collapsed": ctc({"ctc_merge_repeated": False, "preprocess_collapse_repeated": True}),
    "clipped": ctc(auto_clip_target_len=True),
    "log space": ctc(activation="log_softmax", output_in_log_space=True),
    "beam": ctc(beam_width=5),
    "native": native(),
    "native, collapsed": native(target_collapse_repeated=True),
    "native, clipped": native(auto_clip_target_len=True),
    "native, no loops": native({"label_loop": False}),
    "native, repetitions not merged": native({"ctc_merge_repeated": False}),
    "native, not normalized": native(
        {"logits_normalize": False, "grad_wrt_softmax_in": False}, activation="log_softmax", output_in_log_space=True
    ),
    "native, another gradient": native({"grad_wrt_softmax_in": False}),
    "native, first class is blank": native({"blank_index": 0}),
    "native, zero_infinity": native({"zero_infinity": True}),
    "viterbi": ctc(use_viterbi=True),
    "viterbi, collapsed": ctc(use_viterbi=True, target_collapse_repeated=True),
    "viterbi, clipped": ctc(use_viterbi=True, auto_clip_target_len=True),
    "viterbi, beam": ctc(use_viterbi=True, beam_width=5),
}


@pytest.fixture(scope="module")
def results(returnn):
    cases = {}
    for name, network in CASES.items():
        case = network_case(network, EXTERN_DATA, LENGTHS)
        cases[name] = case | {"data": case["data"] | {"classes": LABELS}, "train": False}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", CASES)
def test_outputs_losses_and_gradients_match(results, name):
    case, expected = results[name]
    if "blank" in name:
        del expected["losses"]["output"]["error"]  # RETURNN decodes as if the last class was the blank
    compare(case, expected)
