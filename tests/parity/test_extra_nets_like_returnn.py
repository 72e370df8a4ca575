"""Extra nets, targets made by layers and searches within training give the same numbers as in RETURNN."""

from functools import partial

import pytest

from tests.parity.comparing import compare, network_case, run_cases

pytestmark = pytest.mark.parity
EXTERN_DATA = {
    "data": {"dim": 5, "shape": (None, 5)},
    "classes": {"dim": 4, "sparse": True, "shape": (None,)},
    "align": {"dim": 4, "sparse": True, "shape": (None,)},
}
LENGTHS = {"data": [7, 4, 6], "classes": [3, 4, 2], "align": [7, 4, 6]}

EQUAL = {"data": [7, 7, 7], "classes": [3, 4, 2], "align": [7, 7, 7]}
"""RETURNN's scores include the labels chosen in the padding."""


def linear(source, n_out, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh", **options}


def softmax(source, **options):
    return {"class": "softmax", "from": source, "n_out": 4, **options}


def aligner(target="align", unit=None, **options):
    """:return: a loop over the frames of the encoder, which chooses a label in each"""
    return {
        "class": "rec", "from": "encoder", "unit": {
            "s": linear(["data:source", "prev:e"], 4),
            "p": softmax("s", loss="ce", target=target, loss_only_on_non_search=True),
            "output": {"class": "choice", "from": "p", "beam_size": 3, "target": target, "initial_output": 0, "length_normalization": False},
            "e": linear("output", 3), **(unit or {}),
        }, **options,
    }  # fmt: skip


def expected(error, of_error=None, **options):
    """:return: the expected error of the hypotheses, as a cost"""
    opts = {"loss": {"class": error, **(of_error or {})}, "loss_kind": "error", **options}
    return {
        "class": "copy",
        "from": "extra.search:output",
        "loss": "expected_loss",
        "loss_opts": opts,
        "target": "classes",
    }


ENCODER = {"encoder": linear("data", 4), "again": linear("data", 4)}
FOUND = {"0_found": {"class": "decide", "from": "extra.search:output", "register_as_extern_data": "align"}}
CASES = {
    "a second net with other options": {
        "output": softmax("encoder", loss="ce", target="align"),
        "extra.more:output": softmax("again", loss="ce", target="align", loss_scale=0.5),
        "extra:encoder": linear("data", 4, is_output_layer=True),
    },
    "a layer without options of its own": {
        "output": softmax("encoder", loss="ce", target="align"),
        "x": linear(["extra.more:encoder", "output"], 3, is_output_layer=True, loss="as_is"),
    },
    "search within training": {"output": aligner("align"), **FOUND},
    "search of its own options": {
        "output": aligner("align"),
        "extra.search:output": aligner("align", {"s": linear(["data:source", "prev:e"], 4, L2=0.1)}),
        "extra.search:encoder": linear("data", 4, L2=0.1),
        **FOUND,
    },
    "scores of a search as a loss": {
        "output": aligner("align"),
        "0_found": FOUND["0_found"] | {"loss": "search_score", "loss_scale": 0.1},
        "1_found": {"class": "copy", "from": "extra.search:output", "loss": "search_score", "loss_scale": 0.2},
    },
    "expected scores: edit distance": {"output": aligner("align"), **FOUND, "x": expected("edit_distance")},
    "expected scores: BLEU, of the search": {
        "output": aligner("align"), **FOUND, "x": expected("bleu", norm_scores=False, loss_correction_grad_only=True),
    },
    "expected scores: edit distance of mapped labels": {
        "output": aligner("align"), **FOUND, "x": expected("edit_distance", {"label_map": {0: 1, 1: 1, 2: None, 3: 0}}),
    },
    "expected scores: with the gradient of the sum": {
        "output": aligner("align"), **FOUND,
        "x": expected("edit_distance", norm_scores_stop_gradient=False, subtract_average_loss=False, divide_beam_size=False),
    },
    "targets that are layers": {
        "aligned": {"class": "reduce", "from": "encoder", "mode": "argmax", "axis": "F"},
        "output": softmax("encoder", loss="ce", target="layer:aligned"),
        "beside": softmax("again", loss="ce", target="aligned"),
        "far": linear("again", 4, loss="mse", target="encoder"),
        "loop": {"class": "rec", "from": "encoder", "unit": {
            "s": linear(["data:source", "prev:output"], 4), "best": {"class": "reduce", "from": "s", "mode": "argmax", "axis": "F"},
            "output": linear("s", 4), "p": softmax("output", loss="ce", target="best"), "q": softmax("output", loss="ce", target="layer:best"),
        }},
        "used": {"class": "copy", "from": "loop", "is_output_layer": True},
    },
    "losses of a subnetwork": {
        "sub": {"class": "subnetwork", "from": "encoder", "subnetwork": {
            "aux": softmax("data", loss="ce", target="align"), "output": linear("aux", 4),
        }},
        "output": softmax("sub", loss="ce", target="align"), "extra.more:output": softmax("sub", loss="ce", target="align"),
        "extra.more:sub": {"class": "subnetwork", "from": "encoder", "subnetwork": {
            "aux": softmax("data", loss="ce", target="align", loss_scale=0.5), "output": linear("aux", 4),
        }},
    },
    "a layer in place of a stream": {
        "aligned": {"class": "reduce", "from": "encoder", "mode": "argmax", "axis": "F", "register_as_extern_data": "align"},
        "output": aligner(),
        "beside": softmax("again", loss="ce", target="align"),
        "of_stream": softmax("data:align", loss="ce", target="align"),
    },
    "number of frames of a layer": {
        "aligned": {"class": "reduce", "from": "encoder", "mode": "argmax", "axis": "F", "register_as_extern_data": "frames"},
        "mean": {"class": "reduce", "from": "encoder", "mode": "mean", "axis": "T"},
        "output": {"class": "rec", "from": [], "size_target": "frames", "target": "classes", "unit": {
            "output": linear(["prev:output", "base:mean"], 4),
        }},
        "p": softmax("output", loss="ce", target="frames"),
    },
}  # fmt: skip


def made_cases():
    """:return: name → function that makes the case"""
    return {
        name: partial(
            network_case, ENCODER | net, EXTERN_DATA, EQUAL if "scores" in name else LENGTHS, ("output",), scale=1.0
        )
        for name, net in CASES.items()
    }


@pytest.fixture(scope="module")
def results(returnn):
    return run_cases(returnn, {name: make() for name, make in made_cases().items()})


@pytest.mark.parametrize("name", CASES)
def test_outputs_losses_and_gradients_match(results, name):
    compare(*results[name])
