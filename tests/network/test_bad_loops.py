"""Messages for a decoder loop, which name the path of the layer."""

import copy

import pytest

from boulder.errors import BoulderError
from boulder.network import describe

EXTERN_DATA = {
    "data": {"dim": 6, "shape": (None, 6)},
    "frames": {"dim": 4, "shape": (None, 4)},
    "stop": {"dim": 1, "shape": (None, 1)},
    "speaker": {"dim": 6, "shape": (6,), "time_dim_axis": None},
}


def linear(source, n_out, **options):
    return {"class": "linear", "from": source, "n_out": n_out, "activation": None, **options}


UNIT = {
    "before": linear("prev:output", 4),
    "s": {"class": "rnn_cell", "unit": "LSTMBlock", "from": ["before", "prev:context"], "n_out": 8},
    "query": linear("s", 6),
    "energy_in": {"class": "combine", "kind": "add", "from": ["base:keys", "query"]},
    "energy": linear("energy_in", 1),
    "weights": {"class": "softmax_over_spatial", "from": "energy"},
    "context": {"class": "generic_attention", "weights": "weights", "base": "base:encoder"},
    "output": linear(["s", "context"], 4, loss="mse", target="frames"),
    "stop_token": linear(["s", "context"], 1, loss="bin_ce", target="stop"),
}
NETWORK = {
    "encoder": {"class": "rec", "unit": "nativelstm2", "from": "data", "n_out": 5},
    "keys": linear("encoder", 6),
    "decoder": {"class": "rec", "from": [], "target": "frames", "is_output_layer": True, "unit": UNIT},
}


def changed(loop=None, beside=None, **layers) -> dict:
    """
    :param loop: options of the loop to change
    :param beside: layers to add outside of the loop
    :param layers: layer of the loop → options to change; None removes a layer or an option
    :return: the changed `NETWORK`
    """
    network = copy.deepcopy(NETWORK) | (beside or {})
    network["decoder"] |= loop or {}
    unit = network["decoder"]["unit"]
    for name, options in layers.items():
        unit[name] = {k: v for k, v in (unit.get(name, {}) | (options or {})).items() if v is not None}
        if options is None:
            del unit[name]
    return network


NO_LOSS = {"loss": None, "target": None}
CASES = {
    "prev: of a layer outside of the loop": (
        changed(query={"from": "prev:keys"}),
        "layer 'decoder/unit/query' (linear): 'from' names 'prev:keys', but 'keys' is outside of the loop and has no previous "
        "frame; 'base:keys' is the layer itself",
    ),
    "neither an end nor a length": (
        changed({"target": None}, output=NO_LOSS, stop_token=None),
        "layer 'decoder' (rec): the number of frames is unknown; give it a 'from' with a time axis, a 'target', or a "
        "layer 'end' in its subnetwork",
    ),
    "no output": (
        changed(outptu=UNIT["output"], output=None, before=None),
        "layer 'decoder' (rec): its subnetwork needs a layer 'output'; did you mean 'outptu'?",
    ),
    "a base: that is not there": (
        changed(energy_in={"from": ["base:kays", "query"]}),
        "layer 'decoder/unit/energy_in' (combine): 'from' names 'base:kays', which does not exist outside of the loop; did you mean "
        "'base:keys'?",
    ),
    "a target that the data lack": (
        changed(stop_token={"target": "stopp"}),
        "layer 'decoder/unit/stop_token' (linear): the target of its loss is 'stopp', but extern_data has only 'data', 'frames', "
        "'speaker', 'stop'; did you mean 'stop'?",
    ),
    "two losses of one name": (
        changed(beside={"decoder/stop_token": linear("encoder", 1, loss="bin_ce", target="stop")}),
        "a layer's name must be a string of ASCII characters, without '/', and not 'data' or 'data:…', 'prev:…', 'base:…', "
        "found 'decoder/stop_token'",
    ),
    "features where time is needed": (
        changed(weights={"from": "s"}),
        "layer 'decoder/unit/weights' (softmax_over_spatial): needs a time axis, but its input is [batch, feature:8] float32",
    ),
    "a vector where time is needed": (
        changed({"from": "data:speaker"}),
        "layer 'decoder' (rec): needs a time axis to iterate over, but its input is [batch, feature:6] float32",
    ),
    "a window over two axes of one": (
        changed(
            conv={"class": "conv", "from": "base:encoder", "filter_size": (3, 3), "padding": "same", "n_out": 2},
            query={"from": ["s", "conv"]},
        ),
        "layer 'decoder/unit/conv' (conv): 2 sizes of windows need as many axes of the input [batch, time:data, feature:5] "
        "float32, found time:data",
    ),
    "a loss on an axis too many": (
        changed(stop_token={"from": "energy_in"}),
        "layer 'decoder/unit/stop_token' (linear): loss 'bin_ce' compares frame by frame, but the output is [batch, "
        "time:frames, time:data, feature:1] float32 and the target [batch, time:stop, feature:1] float32",
    ),
    "attention that reads a query alone": (
        changed(context={"weights": "query"}),
        "layer 'decoder/unit/context' (generic_attention): the weights need the time axis of the base, time:data: 'encoder' is "
        "[batch, time:data, feature:5] float32, 'decoder/query' is [batch, feature:6] float32",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_message(case):
    network, message = CASES[case]
    with pytest.raises(BoulderError) as caught:
        describe(network, EXTERN_DATA)
    assert str(caught.value) == message


def test_the_unchanged_decoder_is_valid():
    assert set(describe(changed(), EXTERN_DATA).losses) == {"decoder/output", "decoder/stop_token"}
    assert describe(changed(stop_token={"loss_scale": 0.0}), EXTERN_DATA).losses["decoder/stop_token"].scale == 0
    assert set(describe(changed(unused=linear("s", 1, loss_scale=None)), EXTERN_DATA).losses) >= {"decoder/output"}


def test_frames_of_a_target_must_be_vectors():
    streams = EXTERN_DATA | {"stop": {"dim": 1, "shape": (None, None, 1)}}
    with pytest.raises(BoulderError, match=r"found 'shape' \(None, None, 1\), expected \(None, dim\)"):
        describe(NETWORK, streams)
