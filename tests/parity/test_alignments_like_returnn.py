"""Alignments by Baum-Welch and Viterbi, and the losses and layers on them, have RETURNN's numbers."""

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 4, "shape": (None, 4)},
    "classes": {"dim": 3, "sparse": True, "shape": (None,)},
    "with_blank": {"dim": 4, "sparse": True, "shape": (None,)},
}
LENGTHS = {"data": [9, 6, 7], "classes": [3, 2, 3], "with_blank": [4, 2, 1]}


def linear(activation, source="data", **options) -> dict:
    return {"class": "linear", "from": source, "n_out": 4, "activation": activation, **options}


def fast_bw(source="log_p", **options) -> dict:
    return {"class": "fast_bw", "from": source, "align_target": "ctc", "align_target_key": "classes", **options}


def via(option="align_layer", layer="bw", **options) -> dict:
    return {"loss": "via_layer", "loss_opts": {option: layer, **options}}


def ctc(options: dict | None = None, **loss_opts) -> dict:
    opts = {"beam_width": 1, **loss_opts, **({"ctc_opts": options} if options else {})}
    return {"output": {"class": "softmax", "from": "data", "loss": "ctc", "loss_opts": opts}}


def native(options: dict | None = None, **loss_opts) -> dict:
    return ctc(options, use_native=True, **loss_opts)


LOG_P = {"log_p": linear("log_softmax")}
PROB = {"p": {"class": "softmax", "from": "data", "n_out": 4}}
COPY = {"class": "copy", "from": "p"}
LAST = {"output": {"class": "copy", "from": "log_p"}}
LOGITS = {"logits": linear(None), "output": {"class": "copy", "from": "data"}}


def of_logits(**options) -> dict:
    layer = {"class": "ctc_loss", "logits": "logits", "targets": "data:classes", "loss": "as_is", **options}
    return {**LOGITS, "x": layer}


def aligned(**options) -> dict:
    layer = {
        "class": "forced_align",
        "from": "log_p",
        "align_target": "data:classes",
        "input_type": "log_prob",
        **options,
    }
    return {**LOG_P, "x": {**layer, "is_output_layer": True}, "output": {"class": "copy", "from": "data"}}


def soft(**options) -> dict:
    return {**LOG_P, "bw": fast_bw(**options, is_output_layer=True), "output": {"class": "copy", "from": "data"}}


CASES = {
    "fast_bw": (soft(), ("bw",)),
    "fast_bw, scaled": (soft(am_scale=0.3, min_prob=0.1), ("bw",)),
    "fast_bw, no loops": (soft(ctc_opts={"label_loop": False}), ("bw",)),
    "fast_bw, merge repeated": (soft(ctc_opts={"ctc_merge_repeated": True, "blank_idx": 3}), ("bw",)),
    "fast_bw of a softmax": (
        {**PROB, "bw": fast_bw("p", input_type="prob", is_output_layer=True), "output": COPY}, ("bw",),
    ),
    "fast_bw of probabilities": (
        {"p": linear("sigmoid"), "bw": fast_bw("p", input_type="prob", is_output_layer=True), "output": linear("tanh")},
        ("bw",),
    ),
    "via_layer": ({**LOG_P, "bw": fast_bw(), "output": {**LAST["output"], **via()}}, ("bw",)),
    "via_layer of the softmax's input": (
        {**PROB, "bw": fast_bw("p", input_type="prob"), "output": {**COPY, **via(loss_wrt_to_act_in="softmax")}},
        ("bw", "output"),
    ),
    "via_layer of a copy": (
        {
            **PROB, "bw": fast_bw("p", input_type="prob"), "copy": {"class": "copy", "from": "bw"},
            "output": {**COPY, **via(layer="copy", loss_wrt_to_act_in=True), "loss_scale": 0.3},
        },
        ("bw", "output"),
    ),
    "error signal": ({**LOG_P, "bw": fast_bw(), "output": {**LAST["output"], **via("error_signal_layer")}}, ("bw",)),
    "forced_align ctc": (aligned(topology="ctc"), ("x",)),
    "forced_align rna": (aligned(topology="rna"), ("x",)),
    "forced_align of probabilities": (
        {**aligned(topology="ctc", input_type="prob"), "log_p": linear("softmax")}, ("x",),
    ),
    "forced_align, blank included": (
        aligned(topology="ctc", align_target="data:with_blank", blank_included=True, blank_idx=0), ("x",),
    ),
    "ctc, native": (native(), ()),
    "ctc, native, no loops": (native({"label_loop": False}), ()),
    "ctc, native, not normalized": (native({"logits_normalize": False, "grad_wrt_softmax_in": False}), ()),
    "ctc, native, another gradient": (native({"grad_wrt_softmax_in": False}), ()),
    "ctc, native, not normalized, softmax": (native({"logits_normalize": False}), ()),
    "ctc, viterbi": (ctc(use_viterbi=True), ()),
    "ctc_loss": (of_logits(), ("x",)),
    "ctc_loss, no loops": (of_logits(label_loop=False), ("x",)),
    "ctc_loss, normalized": ({**of_logits(logits_normalized=True), "logits": linear("log_softmax")}, ("x",)),
    "ctc_loss, best path": (of_logits(max_approx=True), ("x",)),
    "edit_distance": (
        {
            "best": {"class": "reduce", "mode": "argmax", "axis": "F", "from": "data"},
            "x": {"class": "edit_distance", "a": "best", "b": "data:with_blank", "is_output_layer": True},
            "output": {"class": "copy", "from": "data"},
        },
        ("x",),
    ),
    "sparse softmax": (
        {
            "logits": linear(None), "classes": {"class": "reduce", "mode": "argmax", "axis": "F", "from": "data"},
            "x": {"class": "sparse_softmax_cross_entropy_with_logits", "logits": "logits", "targets": "classes", "loss": "as_is"},
            "output": {"class": "copy", "from": "data"},
        },
        ("x",),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def results(returnn):
    cases = {name: network_case(network, EXTERN_DATA, LENGTHS, layers) for name, (network, layers) in CASES.items()}
    return run_cases(returnn, cases)


@pytest.mark.parametrize("name", CASES)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])
