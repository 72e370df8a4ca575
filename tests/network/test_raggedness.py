"""What comes of a sequence depends neither on its neighbours in the batch, nor on padding, nor on what stands there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.network import describe, run_network

EXTERN_DATA = {
    "data": {"dim": 6, "sparse": True},
    "dense": {"dim": 5},
    "classes": {"dim": 3, "sparse": True},
    "align": {"dim": 4, "sparse": True},
    "speaker": {"dim": 3, "time_dim_axis": None},
}
# all layer classes and losses. "data" and "classes" have lengths of their own; "dense" and "align" are equally long
NETWORK = {
    "embedding": {"class": "linear", "from": "data", "n_out": 4, "activation": None, "dropout": 0.0},
    "twice": {"class": "repeat", "from": "embedding", "repetitions": 2},
    "fw": {"class": "rec", "from": "twice", "n_out": 3, "dropout": 0.3},
    "bw": {"class": "rec", "from": "twice", "n_out": 3, "direction": -1, "unit_opts": {"rec_weight_dropout": 0.3}},
    "bw1": {"class": "rec", "from": ["fw", "bw"], "n_out": 3, "direction": -1},
    "sum": {"class": "combine", "kind": "average", "from": ["fw", "bw1"]},
    "labels": {"class": "softmax", "from": ["sum", "bw"], "loss": "ctc", "target": "classes", "dropout": 0.2},
    "bw2": {"class": "rec", "from": "data:dense", "n_out": 4, "direction": -1},
    "speaker": {"class": "linear", "from": "data:speaker", "n_out": 4, "activation": "tanh"},
    "copy": {"class": "copy", "from": ["speaker", "bw2", "data:dense"]},
    "dropped": {"class": "dropout", "from": "copy", "dropout": 0.5},
    "eval": {"class": "eval", "from": ["bw2", "speaker"], "eval": "source(0) * tf.sigmoid(source(1)) + 1.0"},
    "relu": {"class": "activation", "from": ["eval", "dropped"], "activation": "gelu"},
    "output": {"class": "softmax", "from": "relu", "loss": "ce", "target": "align"},
}
ATTENTION = {
    "weights": {"class": "softmax_over_spatial", "from": "energy", "axis": "T"},
    "energy": {"class": "linear", "from": "energy_in", "n_out": 1, "activation": None},
    "energy_in": {"class": "combine", "kind": "add", "from": ["base:keys", "query"], "activation": "tanh"},
    "query": {"class": "linear", "from": "s", "n_out": 4, "activation": None},
    "context": {"class": "generic_attention", "weights": "weights", "base": "base:encoder"},
    "embedding": {"class": "linear", "from": "prev:output", "n_out": 3, "activation": None},
    "s": {
        "class": "rnn_cell", "unit": "LSTMBlock", "from": ["embedding", "prev:context"], "n_out": 4,
        "initial_state": {"c": "base:last_c", "h": "base:last_h"},
    },
    "memory": {"class": "get_last_hidden_state", "from": "s", "n_out": 8},
    "prob": {"class": "softmax", "from": ["memory", "context"], "loss": "ce", "target": "classes", "dropout": 0.3},
    "output": {"class": "choice", "from": "prob", "beam_size": 2, "target": "classes", "initial_output": 0},
}  # fmt: skip
DECODER = {
    "conv": {"class": "conv", "from": "data:dense", "n_out": 6, "filter_size": [3], "padding": "same", "strides": 2},
    "pool": {"class": "pool", "from": "conv", "mode": "max", "pool_size": [2], "padding": "same"},
    "positions": {"class": "positional_encoding", "from": "pool", "add_to_input": True},
    "norm": {"class": "layer_norm", "from": "positions"},
    "self": {"class": "self_attention", "from": "norm", "n_out": 6, "total_key_dim": 4, "num_heads": 2, "attention_dropout": 0.0},
    "gating": {"class": "gating", "from": "self", "activation": "tanh"},
    "gru": {"class": "rec", "unit": "GRU", "from": "gating", "n_out": 3, "direction": -1},
    "encoder": {"class": "rec", "unit": "StandardLSTM", "from": "gru", "n_out": 4},
    "last_c": {"class": "get_last_hidden_state", "from": "encoder", "key": "c", "n_out": 4},
    "last_h": {"class": "get_last_hidden_state", "from": "encoder", "key": "h", "n_out": 4},
    "keys": {"class": "linear", "from": "encoder", "n_out": 4, "activation": None},
    "heads": {"class": "split_dims", "from": "keys", "axis": "F", "dims": (2, -1)},
    "maxout": {"class": "reduce_out", "from": "heads", "mode": "max", "num_pieces": 2},
    "flat": {"class": "merge_dims", "from": "maxout", "axes": "static"},
    "stacked": {"class": "split_dims", "from": "flat", "axis": "T", "dims": (-1, 2)},
    "frames": {"class": "merge_dims", "from": "stacked", "axes": "static"},
    "mean": {"class": "reduce", "from": "frames", "mode": "mean", "axes": "T"},
    "with_end": {"class": "postfix_in_time", "from": "frames", "postfix": "mean"},
    "with_start": {"class": "prefix_in_time", "from": "with_end", "repeat": 2},
    "squared": {"class": "eval", "from": "with_start", "eval": "tf.square(source(0))", "loss": "as_is"},
    "output": {"class": "rec", "from": [], "target": "classes", "unit": ATTENTION},
}  # fmt: skip
SPECS = {"layers": describe(NETWORK, EXTERN_DATA), "attention": describe(DECODER, EXTERN_DATA)}


def draw_sequence(rng, letters: int, labels: int, frames: int) -> dict:
    return {
        "data": rng.integers(0, 6, letters),
        "dense": rng.normal(size=(frames, 5)),
        "classes": rng.integers(0, 3, labels),
        "align": rng.integers(0, 4, frames),
        "speaker": rng.normal(size=3),
    }


def batch_of(sequences: list[dict], padding: int, rng) -> tuple[dict, dict]:
    """:return: data, padded by `padding` frames more than needed and with random values, and lengths"""
    data, lengths = {}, {}
    for key in EXTERN_DATA:
        own = [sequence[key] for sequence in sequences]
        if key == "speaker":
            data[key] = np.array(own, "float32")
            continue
        lengths[key] = np.array([len(x) for x in own], "int32")
        shape = (len(own), int(lengths[key].max()) + padding, *own[0].shape[1:])
        data[key] = rng.normal(0, 10, shape).astype("float32") if key == "dense" else rng.integers(0, 3, shape, "int32")
        for row, x in zip(data[key], own, strict=True):
            row[: len(x)] = x
    return data, lengths


class Network:
    """The network, compiled once, in training: dropout's masks are the same for all sequences."""

    def __init__(self, spec):
        import tensorflow as tf

        self.spec = spec

        rng = np.random.default_rng(0)
        self.variables = {
            path: tf.Variable(rng.normal(0, 0.7, param.shape).astype("float32")) for path, param in spec.params.items()
        }
        shapes = {"data": [None, None], "dense": [None, None, 5], "classes": [None, None], "align": [None, None]}
        floats = ("dense", "speaker")
        data = {
            key: tf.TensorSpec(shape, "float32" if key in floats else "int32")
            for key, shape in (shapes | {"speaker": [None, 3]}).items()
        }
        self.run = tf.function(
            self._run, input_signature=[data, {key: tf.TensorSpec([None], "int32") for key in shapes}]
        )

    def _run(self, data, lengths):
        import tensorflow as tf

        with tf.GradientTape() as tape:
            out = run_network(self.spec, self.variables, data, lengths, train=True, step=3)
            total = tf.add_n([loss.cost for loss in out.losses.values()])
        gradients = {path: tf.convert_to_tensor(g) for path, g in tape.gradient(total, self.variables).items()}
        layers = {name: self._padded(x, out.lengths) for name, x in out.layers.items()}
        return layers, {name: tuple(loss) for name, loss in out.losses.items()}, gradients

    @staticmethod
    def _padded(x, lengths):
        """:return: [B, T, …] and its lengths, or [B, …] and None"""
        rest = [axis for axis in x.template.axes if axis.kind not in ("batch", "time", "loop")]
        times = [axis for axis in x.template.axes if axis.kind in ("time", "loop")]
        if not x.template.batch or len(times) > 1:
            return None, None
        return x.ordered([x.template.batch, *times, *rest]), lengths[times[0].as_time()] if times else None

    def __call__(self, data, lengths):
        """:return: layers, one list entry per sequence without its padding; losses; gradients"""
        layers, losses, gradients = self.run(data, lengths)
        cut = {}
        for name, (value, sizes) in layers.items():
            if value is not None:
                rows = list(value.numpy())
                cut[name] = rows if sizes is None else [row[:n] for row, n in zip(rows, sizes.numpy(), strict=True)]
        return cut, {k: np.array(v) for k, v in losses.items()}, {k: v.numpy() for k, v in gradients.items()}


@pytest.fixture(scope="module", params=SPECS)
def network(request):
    return Network(SPECS[request.param])


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 5), st.integers(0, 6)), min_size=1, max_size=4),
    padding=st.integers(0, 4),
    seed=st.integers(0, 10**6),
)
def test_a_batch_is_the_sum_of_its_sequences(network, sizes, padding, seed):
    rng = np.random.default_rng(seed)
    sequences = [draw_sequence(rng, *size) for size in sizes]
    layers, losses, gradients = network(*batch_of(sequences, padding, rng))
    alone = [network(*batch_of([sequence], 0, rng)) for sequence in sequences]
    for seq, (own, _, _) in enumerate(alone):
        for name in layers:
            np.testing.assert_allclose(layers[name][seq], own[name][0], rtol=1e-5, atol=1e-5, err_msg=name)
    for name, loss in losses.items():
        np.testing.assert_allclose(loss, sum(own[name] for _, own, _ in alone), rtol=1e-5, atol=1e-5, err_msg=name)
    for path, gradient in gradients.items():
        expected = sum(own[path] for _, _, own in alone)
        np.testing.assert_allclose(
            gradient, expected, rtol=1e-4, atol=1e-5 * max(1, np.abs(expected).max()), err_msg=path
        )
