"""Messages for the usual mistakes in decoders, in training and in search."""

import copy

import pytest

from boulder.errors import NetworkError
from boulder.network import describe

EXTERN_DATA = {"data": {"dim": 5}, "classes": {"dim": 4, "sparse": True}, "dense": {"dim": 3}}


def linear(source, n_out, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": "tanh", **options}


UNIT = {
    "e": linear("prev:output", 3),
    "s": {"class": "rnn_cell", "unit": "LSTMBlock", "from": ["e", "base:v"], "n_out": 4},
    "p": {"class": "softmax", "from": "s", "target": "classes", "loss": "ce"},
    "output": {"class": "choice", "from": "p", "beam_size": 3, "target": "classes", "initial_output": 0},
    "end": {"class": "compare", "from": "output", "value": 0},
}
NETWORK = {
    "v": {"class": "reduce", "mode": "mean", "axes": "T", "from": "data"},
    "output": {"class": "rec", "from": [], "target": "classes", "unit": UNIT},
    "decision": {"class": "decide", "from": "output", "is_output_layer": True},
}
NO_LOSS = {"loss": None}
BEST = {"best": {"class": "decide", "from": "output", "register_as_extern_data": "found"}}
SIZE = (
    "layer 'output/unit/p' (softmax) takes the size of its output from its 'target'; expected an 'n_out' in its place"
)
AGAIN = {
    "class": "choice",
    "from": "p",
    "beam_size": 4,
    "keep_beams": True,
    "target": "classes",
    "is_output_layer": True,
}


def changed(outside=None, **layers):
    """
    :param outside: layers to add outside of the loop
    :param layers: layer of the loop → options to change; None removes the layer
    """
    network = copy.deepcopy(NETWORK) | (outside or {})
    unit = network["output"]["unit"]
    for name, options in layers.items():
        unit[name] = unit.get(name, {}) | (options or {})
        if options is None:
            del unit[name]
    return network


CASES = {
    "no end": (
        changed(end=None),
        "layer 'output' (rec): the number of frames is unknown, since a search does not read targets; give it a 'from' with a time "
        "axis, or a layer 'end' in its subnetwork",
    ),
    "a size from the labels of the same frame": (
        changed(p=NO_LOSS | {"target": "layer:output"}),
        f"layer 'output' (rec): layers depend on each other within a frame: output → p → output; one of them must be read from the "
        f"previous frame, e.g. as 'prev:output'. {SIZE}",
    ),
    "a size from the labels that the search finds": (
        changed(BEST, p=NO_LOSS | {"target": "found"}),
        f"layers depend on each other in a loop: output → best → output. {SIZE}",
    ),
    "no size at all": (
        changed(p=NO_LOSS | {"target": None}),
        "layer 'output/unit/p' (softmax): 'n_out' is missing, and there is no target to take it from",
    ),
    "scores of more labels than the target has": (
        changed(p=NO_LOSS | {"target": None, "n_out": 6}),
        "layer 'output/unit/output' (choice): chooses from 6 labels, but its 'target' 'classes' has 4 classes; expected as many",
    ),
    "hypotheses that are not continued equally": (
        changed(again=AGAIN),
        "layer 'output/unit/again' (choice): 'keep_beams' needs a multiple of the 3 hypotheses before, but 'beam_size' is 4",
    ),
    "the label of the same frame": (
        changed(e={"from": "output"}),
        "layer 'output' (rec): layers depend on each other within a frame: p → s → e → output → p; one of them must be read from the "
        "previous frame, e.g. as 'prev:p'",
    ),
    "the previous frame of a layer outside": (
        changed(e={"from": "prev:v"}),
        "layer 'output/unit/e' (linear): 'from' names 'prev:v', but 'v' is outside of the loop and has no previous frame; 'base:v' is "
        "the layer itself",
    ),
    "the previous frame of no layer": (
        changed(e={"from": "prev:outptu"}),
        "layer 'output/unit/e' (linear): 'from' names 'prev:outptu', which is no layer of the loop; did you mean 'prev:output'?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_message_in_search(case):
    network, message = CASES[case]
    with pytest.raises(NetworkError) as caught:
        describe(network, EXTERN_DATA, "search")
    assert str(caught.value) == message


def test_the_true_labels_must_be_labels():
    with pytest.raises(NetworkError, match="'target' must have class indices, but 'dense' is"):
        describe(changed(output={"target": "dense"}), EXTERN_DATA)


def test_the_unchanged_decoder_is_valid_in_all_modes():
    found = [describe(NETWORK, EXTERN_DATA, mode).params for mode in ("train", "eval", "search")]
    assert found[0] == found[1] == found[2]
