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
SPEC = describe(NETWORK, EXTERN_DATA)


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

    def __init__(self):
        import tensorflow as tf

        rng = np.random.default_rng(0)
        self.variables = {
            path: tf.Variable(rng.normal(0, 0.7, param.shape).astype("float32")) for path, param in SPEC.params.items()
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
            out = run_network(SPEC, self.variables, data, lengths, train=True, step=3)
            total = tf.add_n([loss.cost for loss in out.losses.values()])
        gradients = {path: tf.convert_to_tensor(g) for path, g in tape.gradient(total, self.variables).items()}
        layers = {name: x.ordered(x.template.axes) for name, x in out.layers.items()}
        return layers, {name: tuple(loss) for name, loss in out.losses.items()}, gradients

    def __call__(self, data, lengths):
        """:return: layers, one list entry per sequence without its padding; losses; gradients"""
        layers, losses, gradients = self.run(data, lengths)
        times = {"data": lengths["data"], "dense": lengths["dense"]}
        cut = {}
        for name, value in layers.items():
            template = SPEC.layers[name].template
            rows = list(value.numpy())
            if template.time:
                factor = template.time.origin[1] if template.time.origin[0] == "repeat" else 1
                key = "data" if factor == 2 or template.time.origin == ("data",) else "dense"
                rows = [row[: factor * n] for row, n in zip(rows, times[key], strict=True)]
            cut[name] = rows
        return cut, {k: np.array(v) for k, v in losses.items()}, {k: v.numpy() for k, v in gradients.items()}


@pytest.fixture(scope="module")
def network():
    return Network()


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
