"""Messages for alignments and for the losses that use them or were added beside them."""

import re

import pytest

from boulder.errors import NetworkError
from boulder.network import describe, run_network

EXTERN_DATA = {
    "data": {"dim": 4},
    "classes": {"dim": 3, "sparse": True},
    "dense": {"dim": 4},
    "speaker": {"dim": 4, "time_dim_axis": None},
}
DATA = "[batch, time:data, feature:4] float32"


def fast_bw(**options) -> dict:
    return {"output": {"class": "fast_bw", "from": "data", "align_target": "ctc", **options}}


def align(**options) -> dict:
    given = {"align_target": "data:classes", "topology": "ctc", "input_type": "prob", **options}
    return {"output": {"class": "forced_align", "from": "data", **given}}


def of_logits(name: str, **options) -> dict:
    return {"output": {"class": name, "logits": "data", "targets": "data:classes", **options}}


def loss(name: str, layer: dict | None = None, **loss_opts) -> dict:
    return {"output": {"class": "copy", "from": "data", "loss": name, "loss_opts": loss_opts, **(layer or {})}}


BW = {"bw": fast_bw()["output"]}
BAD = {
    "another automaton": (
        fast_bw(align_target="ctcc"),
        "(fast_bw): 'align_target' must be 'ctc', 'hmm', 'staircase' or 'fsa', found 'ctcc'; did you mean 'ctc'?",
    ),
    "no automaton": ({"output": {"class": "fast_bw", "from": "data"}}, "(fast_bw): option 'align_target' is missing"),
    "options of another automaton": (
        fast_bw(hmm_opts={"loop": 1.0}),
        "(fast_bw): 'hmm_opts' needs 'align_target': 'hmm', found 'ctc'",
    ),
    "an unknown option": (
        fast_bw(ctc_opts={"blank": 1}),
        "(fast_bw): 'ctc_opts': unknown option 'blank'; did you mean 'blank_idx'?",
    ),
    "a blank that is no class": (
        fast_bw(ctc_opts={"blank_idx": 4}),
        "(fast_bw): 'ctc_opts': 'blank_idx' must be a class from 0 to 3, found 4",
    ),
    "no blank": (
        {"l": {"class": "linear", "n_out": 3}, **fast_bw(**{"from": "l"})},
        "(fast_bw): its input has 3 classes, but 'data:classes' has 3 classes and a blank, expected 4",
    ),
    "another number of states": (
        fast_bw(align_target="hmm"),
        "(fast_bw): its input has 4 classes, but 'data:classes' has 3 classes, expected 3",
    ),
    "features as labels": (
        fast_bw(align_target_key="dense"),
        "(fast_bw): 'align_target_key': 'data:dense' is [batch, time:dense, feature:4] float32, expected a sequence of class indices",
    ),
    "no frames": (
        fast_bw(**{"from": "data:speaker"}),
        "(fast_bw): needs batch, time and feature axes and no others, but its input is [batch, feature:4] float32",
    ),
    "class indices": (
        fast_bw(**{"from": "data:classes"}),
        "(fast_bw): needs float32 values with a feature axis, but its input is [batch, time:classes], 3 classes int32",
    ),
    "an unknown stream": (
        fast_bw(align_target_key="clases"),
        "(fast_bw): 'target' is 'clases', but extern_data has only 'data', 'classes', 'dense', 'speaker'; "
        "did you mean 'classes'?",
    ),
    "a staircase of nothing": (
        fast_bw(align_target="staircase"),
        "(fast_bw): 'align_target': 'staircase' needs 'staircase_seq_len_source', a layer",
    ),
    "a probability above 1": (fast_bw(min_prob=2), "(fast_bw): 'min_prob' must be from 0 to 1, found 2"),
    "a topology": (
        align(topology="hmm"),
        "(forced_align): option 'topology' must be 'ctc' or 'rna', found 'hmm'",
    ),
    "a blank among the labels": (
        align(blank_included=True),
        "(forced_align): its input has 4 classes, expected 3 for 'data:classes', [batch, time:classes], 3 classes int32",
    ),
    "another blank": (
        align(blank_idx=0),
        "(forced_align): 'blank_idx' must be -1, the class after those of 'data:classes', found 0",
    ),
    "targets that are features": (
        of_logits("ctc_loss", targets="data:dense"),
        "(ctc_loss): 'targets': 'data:dense' is [batch, time:dense, feature:4] float32, expected class indices",
    ),
    "logits of another size": (
        of_logits("ctc_loss", logits="l") | {"l": {"class": "linear", "n_out": 6}},
        "(ctc_loss): 'targets' has 3 classes, expected 5, or 6 with the blank",
    ),
    "a source": (
        of_logits("ctc_loss", **{"from": "data"}),
        "(ctc_loss): reads 'logits' and 'targets' only, found 'from': 'data'",
    ),
    "classes of another size": (
        of_logits("sparse_softmax_cross_entropy_with_logits"),
        "(sparse_softmax_cross_entropy_with_logits): 'targets' has 3 classes, expected 4, the size of feature:4",
    ),
    "via no layer": (
        loss("via_layer"),
        "(copy): loss 'via_layer' needs one of 'align_layer' and 'error_signal_layer' in 'loss_opts'",
    ),
    "via an unknown layer": (
        BW | loss("via_layer", align_layer="bww"),
        "(copy): 'loss_opts': 'align_layer' is 'bww', which is no layer; did you mean 'bw'?",
    ),
    "via another activation": (
        BW | loss("via_layer", align_layer="bw", loss_wrt_to_act_in="tanh"),
        "(copy): 'loss_wrt_to_act_in' must be True, False or 'softmax', found 'tanh'",
    ),
    "via a layer of other frames": (
        {"d": {"class": "copy", "from": "data:dense"}, **loss("via_layer", align_layer="d")},
        f"(copy): 'loss_opts': 'align_layer' is [batch, time:dense, feature:4] float32, expected the axes of the output, {DATA}",
    ),
    "options of a native ctc": (
        loss("ctc", ctc_opts={"label_loop": False}),
        "(copy): 'ctc_opts': 'label_loop' has no meaning without 'use_native': True; expected some of "
        "ignore_longer_outputs_than_inputs, ctc_merge_repeated, preprocess_collapse_repeated",
    ),
    "options of a native ctc, for the best alignment": (
        loss("ctc", use_viterbi=True, ctc_opts={"blank_index": 0}),
        "(copy): 'ctc_opts': 'blank_index' has no meaning with 'use_viterbi'; expected some of ignore_longer_outputs_than_inputs",
    ),
    "a loop of labels under two names": (
        loss("ctc", use_native=True, ctc_opts={"label_loop": True, "ctc_merge_repeated": True}),
        "(copy): 'ctc_opts': found 'label_loop' and 'ctc_merge_repeated', which are the same; expected one of them",
    ),
    "labels that TensorFlow collapses": (
        loss("ctc", use_native=True, ctc_opts={"preprocess_collapse_repeated": True}),
        "(copy): 'ctc_opts': 'preprocess_collapse_repeated' has no meaning with 'use_native'; expected some of label_loop, "
        "ctc_merge_repeated, blank_index, logits_normalize, grad_wrt_softmax_in, zero_infinity, ignore_longer_outputs_than_inputs",
    ),
    "an unknown option of a native ctc": (
        loss("ctc", use_native=True, ctc_opts={"logit_normalize": False}),
        "(copy): 'ctc_opts': unknown option 'logit_normalize'; did you mean 'logits_normalize'?",
    ),
    "a blank of ctc": (
        loss("ctc", use_native=True, ctc_opts={"blank_index": 4}),
        "(copy): 'ctc_opts': 'blank_index' must be a class from -4 to 3, found 4",
    ),
    "triplets of frames": (
        loss("triplet_loss", margin=1.0),
        f"(copy): loss 'triplet_loss' compares a vector for each sequence, but the output is {DATA}",
    ),
    "no margin": (loss("triplet_loss"), "(copy): loss 'triplet_loss': option 'margin' is missing"),
    "clusters of classes": (
        loss("deep_clustering", embedding_dimension=2, nr_of_sources=2),
        "(copy): loss 'deep_clustering' needs a target with features, found [batch, time:classes], 3 classes int32",
    ),
    "clusters of another size": (
        loss("deep_clustering", {"target": "dense"}, embedding_dimension=3, nr_of_sources=2),
        f"(copy): loss 'deep_clustering' needs an output with a feature axis of size 6 for its target "
        f"[batch, time:dense, feature:4] float32, found {DATA}",
    ),
    "bleu of features": (loss("bleu"), f"(copy): loss 'bleu' compares sequences of class indices, but the output is {DATA}"),
    "generic_ce of features": (
        loss("generic_ce", {"target": "dense"}),
        "(copy): loss 'generic_ce' needs class indices as its target, found [batch, time:dense, feature:4] float32",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_message(name, check_output):
    network, message = BAD[name]
    check_output(network, EXTERN_DATA, message)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            {"d": {"class": "linear", "n_out": 4}, **loss("via_layer", align_layer="d")},
            "layer 'd' has no cost, expected a 'fast_bw' or a 'copy' of one",
        ),
        (BW | loss("via_layer", align_layer="bw", loss_wrt_to_act_in=True), "needs an output of a softmax"),
    ],
)
def test_a_layer_without_a_cost_and_an_output_without_logits_are_found_at_the_first_build(network, message):
    import numpy as np

    spec = describe(network, EXTERN_DATA)
    params = {path: np.zeros(param.shape, "float32") for path, param in spec.params.items()}
    data = {"data": np.zeros((1, 2, 4), "float32"), "classes": np.zeros((1, 1), "int32")}
    with pytest.raises(NetworkError, match=re.escape(message)):
        run_network(spec, params, data, {"data": np.int32([2]), "classes": np.int32([1])})


def test_an_alignment_in_a_loop_is_an_error():
    unit = {"p": {"class": "linear", "from": "data:source", "n_out": 4}, "output": fast_bw(**{"from": "p"})["output"]}
    with pytest.raises(NetworkError, match="found in a loop, expected outside of it"):
        describe({"output": {"class": "rec", "from": "data", "unit": unit}}, EXTERN_DATA)


def test_a_search_needs_no_alignment():
    network = BW | loss("via_layer", align_layer="bw")
    assert "bw" in describe(network, EXTERN_DATA).layers
    assert "bw" not in describe(network, EXTERN_DATA, "search").layers


def test_a_layer_of_another_package():
    with pytest.raises(NetworkError, match="layer class 'kenlm' needs the package kenlm"):
        describe({"output": {"class": "kenlm", "from": "data"}}, EXTERN_DATA)
