"""The piece that is a loop, with two steps drawn from those below."""

from tests.parity.stacks.stack import Stack, piece


@piece
def loop(s):
    inner = Stack(s.rng, top="data:source", size=s.size)
    for step in s.rng.sample(IN_LOOPS, 2):
        step(inner, s.top)
    layers = inner.layers
    sources = [inner.top, s.rng.choice(["prev:output", f"prev:{inner.top}"])]
    layers["output"] = {"class": "linear", "from": sources, "n_out": 3, "activation": "tanh"}
    moved = s.rng.random() < 0.5
    s.rise(s.add("rec", unit=layers, n_out=3, optimize_move_layers_out=moved), 3)


def _cell(s, outer):
    s.rise(s.add("rnn_cell", [s.top, "prev:output"], unit=s.rng.choice(["LSTMBlock", "GRU", "BasicLSTM"]), n_out=3))


def _rec_cell(s, outer):
    s.rise(s.add("rec", [s.top, "prev:output"], unit="nativelstm2", n_out=3))


def _linear(s, outer):
    s.rise(s.linear([s.top, "prev:output"] if s.rng.random() < 0.5 else s.top))


def _norm(s, outer):
    s.rise(s.add("layer_norm"))


def _recurrent_sum(s, outer):
    s.rise(s.add("cumsum"))


def _attention(s, outer):
    query = s.linear([s.top, "prev:output"], 3)
    keys = s.linear(f"base:{outer}" if outer != "data" else "base:data:data", 3)
    sums = s.add("combine", [keys, query], kind="add", activation="tanh")
    energy = s.linear(sums, 1, activation=None)
    weights = s.add("softmax_over_spatial", energy, axis="T")
    context = s.add("generic_attention", None, weights=weights, base=keys)
    s.layers[context].pop("from")
    s.rise(s.linear([context, query], 3))


def _residual(s, outer):
    source, size = s.top, s.size
    inner = s.linear(size=size)
    s.rise(s.add("combine", [source, inner], kind="add"), size)


def _heads(s, outer):
    s.rise(s.linear(size=6))
    split = s.add("split_dims", axis="F", dims=(2, 3))
    s.rise(s.add("merge_dims", split, axes=["dim:2", "dim:3"]), 6)


IN_LOOPS = [_cell, _rec_cell, _linear, _norm, _recurrent_sum, _attention, _residual, _heads]
