"""Messages for recurrent layers, their initial states, and layers that read their states."""

import pytest

from boulder.errors import NetworkError
from boulder.network import describe

EXTERN_DATA = {"data": {"dim": 3}, "classes": {"dim": 4, "sparse": True}}


def unit(cls: str, name: str, **options) -> dict:
    return {"class": cls, "unit": name, "from": "data", "n_out": 2, **options}


def loop(layer: dict) -> dict:
    inside = {"s": {**layer, "from": ["data:source", "prev:t"]}, "t": {"class": "copy", "from": "s"}}
    output = {"class": "linear", "activation": "tanh", "n_out": 4, "from": ["s", "prev:s"]}
    return {"output": {"class": "rec", "from": "data", "unit": {**inside, "output": output}}}


STATE = {"class": "get_last_hidden_state", "from": "s", "n_out": 2}
BAD = {
    "unknown unit": (
        {"output": unit("rnn_cell", "LSTMBlok")},
        "layer 'output' (rnn_cell): unknown unit 'LSTMBlok'; did you mean 'lstmblock'?",
    ),
    "a unit of rec": (
        {"output": unit("rnn_cell", "nativelstm2")},
        "layer 'output' (rnn_cell): unit 'nativelstm2' belongs to 'rec', which works in loops as well; try 'LSTMBlock'",
    ),
    "an option of another unit": (
        {"output": unit("rec", "GRU", unit_opts={"forget_bias": 1.0})},
        "layer 'output' (rec): 'unit_opts': unknown option 'forget_bias'",
    ),
    "an unknown option": (
        {"output": unit("rec", "StandardLSTM", unit_opts={"forget_bais": 1.0})},
        "layer 'output' (rec): 'unit_opts': unknown option 'forget_bais'; did you mean 'forget_bias'?",
    ),
    "cells of another library": (
        {"output": unit("rec", "BlocksparseLSTM")},
        "layer 'output' (rec): unit 'BlocksparseLSTM' needs the package 'blocksparse', which does not exist for TensorFlow 2; "
        "try 'nativelstm2'",
    ),
    "a wrapper": (
        {"output": unit("rnn_cell", "MultiRNN")},
        "layer 'output' (rnn_cell): unit 'MultiRNN' wraps another cell, which a net dict cannot give; expected a layer for each cell",
    ),
    "two norms": (
        {"output": unit("rec", "LayerNormVariantsLSTM", unit_opts={"per_gate_norm": True})},
        "layer 'output' (rec): unit_opts: 'global_norm' and 'per_gate_norm' are True, expected one of them at most",
    ),
    "a norm of one part of a product": (
        {"output": unit("rec", "LayerNormVariantsLSTM", unit_opts={"with_concat": True})},
        "layer 'output' (rec): unit_opts: 'with_concat' computes one product, which 'global_norm' cannot take apart; "
        "expected 'global_norm': False",
    ),
    "a dropout of 1": (
        {"output": unit("rnn_cell", "LayerNormVariantsLSTM", unit_opts={"dropout_h": 1.0})},
        "layer 'output' (rnn_cell): 'dropout_h' must be a number from 0 to below 1, found 1.0",
    ),
    "a negative forget bias": (
        {"output": unit("rec", "LayerNormVariantsLSTM", unit_opts={"forget_bias": -1.0})},
        "layer 'output' (rec): unit_opts: 'forget_bias' must be at least 0, found -1.0",
    ),
    "an unknown activation": (
        {"output": unit("rec", "LayerNormVariantsLSTM", unit_opts={"activation": "tanhh"})},
        "layer 'output' (rec): 'unit_opts': unknown activation 'tanhh'; did you mean 'tanh'?",
    ),
    "no depth": (
        {"output": unit("rec", "RHN", unit_opts={"depth": 0})},
        "layer 'output' (rec): unit_opts: 'depth' must be at least 1, found 0",
    ),
    "a zoneout above 1": (
        {"output": unit("rec", "ZoneoutLSTM", unit_opts={"zoneout_factor_output": 1.5})},
        "layer 'output' (rec): unit_opts: 'zoneout_factor_output' must be from 0 to 1, found 1.5",
    ),
    "a projection to another size": (
        {"output": unit("rec", "StandardLSTM", unit_opts={"num_proj": 3})},
        "layer 'output' (rec): unit_opts: 'num_proj' must be 'n_out', 2, found 3",
    ),
    "a projection that RETURNN's unit lacks": (
        {"output": unit("rec", "lstmp", unit_opts={"n_proj": 2})},
        "layer 'output' (rec): 'unit_opts': unknown option 'n_proj'",
    ),
    "a clipped projection without one": (
        {"output": unit("rec", "StandardLSTM", unit_opts={"proj_clip": 1.0})},
        "layer 'output' (rec): unit_opts: 'proj_clip' clips the projection, expected 'num_proj' beside it",
    ),
    "a negative clip": (
        {"output": unit("rnn_cell", "StandardLSTM", unit_opts={"cell_clip": -1.0})},
        "layer 'output' (rnn_cell): unit_opts: 'cell_clip' must be above 0, found -1.0",
    ),
    "a forget bias that is not added": (
        {"output": unit("rec", "VanillaLSTM", unit_opts={"forget_bias": 1.0})},
        "layer 'output' (rec): this unit adds no 'forget_bias', found 1.0; unit 'StandardLSTM' does",
    ),
    "shape of a dropout": (
        {"output": unit("rec", "lstm", unit_opts={"rec_weight_dropout_shape": [2, 1]})},
        "layer 'output' (rec): unit_opts: 'rec_weight_dropout_shape' has None or 1 for both axes of W_re, found [2, 1]",
    ),
    "no unit": (
        {"output": {"class": "rnn_cell", "n_out": 2}},
        "layer 'output' (rnn_cell): option 'unit' is missing",
    ),
    "a number": (
        {"output": unit("rec", "lstm", initial_state=0.5)},
        "layer 'output' (rec): 'initial_state' must be a layer, 0, 1, 'zeros', 'ones', 'var', found 0.5",
    ),
    "over epochs": (
        {"output": unit("rec", "lstm", initial_state="keep_over_epoch")},
        "layer 'output' (rec): 'initial_state' 'keep_over_epoch' is not supported: each batch starts from its own initial state",
    ),
    "a key is missing": (
        {"output": unit("rec", "lstm", initial_state={"c": 0})},
        "layer 'output' (rec): 'initial_state' must have the keys 'c', 'h', found the keys 'c'",
    ),
    "keys of a GRU": (
        {"output": unit("rec", "GRU", initial_state={"c": 0})},
        "layer 'output' (rec): 'initial_state' must be a single vector, found the keys 'c'",
    ),
    "a list too long": (
        {"output": unit("rec", "lstm", initial_state=[0, 0, 0])},
        "layer 'output' (rec): 'initial_state' must have an entry for each of 'c', 'h', found 3 entries",
    ),
    "no such layer": (
        {"encoder": unit("rec", "lstm"), "output": unit("rec", "lstm", initial_state="encodr")},
        "layer 'output' (rec): 'initial_state' names 'encodr', which is no layer; did you mean 'encoder'?",
    ),
    "another size": (
        {"s": unit("rec", "GRU", n_out=3), "output": unit("rec", "GRU", initial_state="s")},
        "layer 'output' (rec): 'initial_state' names 's' of size 3, expected size 2",
    ),
    "another kind of state": (
        {"s": unit("rec", "GRU"), "output": unit("rec", "lstm", initial_state="s")},
        "layer 'output' (rec): 'initial_state' names 's', whose state is not c and h of size 2; "
        "expected {'c': …, 'h': …} with a layer of that size for each",
    ),
    "a sequence": (
        {"s": {"class": "linear", "n_out": 2}, "output": unit("rec", "GRU", initial_state="s")},
        "layer 'output' (rec): 'initial_state' names 's', expected a vector for each sequence, found "
        "[batch, time:data, feature:2] float32",
    ),
    "initial output": (
        loop(unit("rnn_cell", "GRU", initial_output=1.0)),
        "layer 'output/unit/s' (rnn_cell): 'initial_output' is not supported here; 'initial_state' sets the "
        "output before the first frame",
    ),
    "within the loop": (
        loop(unit("rnn_cell", "GRU", initial_state="x")) | {"x": unit("rec", "GRU")},
        "layer 'output/unit/s' (rnn_cell): 'initial_state' names 'x', which is no layer of the loop; did you mean 'base:x'?",
    ),
    "the loop's own": (
        loop(unit("rnn_cell", "GRU", initial_state="prev:t")),
        "layer 'output/unit/s' (rnn_cell): 'initial_state' names 'prev:t', a layer of the loop; "
        "expected a layer outside, as 'base:…'",
    ),
    "backwards in a loop": (
        loop(unit("rec", "lstm", direction=-1)),
        "layer 'output/unit/s' (rec): 'direction': -1 needs a time axis of its own; along a loop only 1 is possible",
    ),
    "no time": (
        {"s": unit("rec", "GRU"), "v": STATE, "output": {**unit("rnn_cell", "GRU"), "from": "v"}},
        "layer 'output' (rnn_cell): needs a time axis, but its input is [batch, feature:2] float32",
    ),
    "no memory": (
        {"s": {"class": "linear", "n_out": 2}, "output": STATE},
        "layer 'output' (get_last_hidden_state): source 's' is not a recurrent layer and has no state",
    ),
    "no such key": (
        {"s": unit("rec", "lstm"), "output": {**STATE, "key": "x"}},
        "layer 'output' (get_last_hidden_state): 'key' is 'x', but the state of 's' has 'c', 'h', or '*' for the whole state",
    ),
    "another number": (
        {"s": unit("rec", "lstm"), "output": {**STATE, "n_out": 3}},
        "layer 'output' (get_last_hidden_state): 'n_out' is 3, but its output is [batch, feature:4] float32",
    ),
    "no number": (
        {"s": unit("rec", "lstm"), "output": {"class": "get_last_hidden_state", "from": "s"}},
        "layer 'output' (get_last_hidden_state): 'n_out' is missing",
    ),
    "a sum of different sizes": (
        {"s": unit("rec", "lstm"), "t": unit("rec", "GRU"), "output": {**STATE, "from": ["s", "t"], "combine": "add"}},
        "layer 'output' (get_last_hidden_state): cannot add states of sizes 4 and 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_message(name):
    network, message = BAD[name]
    with pytest.raises(NetworkError) as caught:
        describe(network, EXTERN_DATA)
    assert str(caught.value) == message
