"""The result for a sequence depends neither on other sequences of the batch nor on the length or content of the padding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.network import describe, run_network
from tests.every_layer import EXTERN_DATA, NETWORKS, SEARCH

SPECS = {name: describe(net, EXTERN_DATA) for name, net in NETWORKS.items()}


def draw_sequence(rng, letters: int, labels: int, frames: int) -> dict:
    return {
        "data": rng.integers(0, 6, letters),
        "dense": rng.normal(size=(frames, 5)),
        "classes": rng.integers(0, 3, labels),
        "align": rng.integers(0, 4, frames),
        "speaker": rng.normal(size=3),
    }


def batch_of(sequences: list[dict], padding: int, rng) -> tuple[dict, dict]:
    """:return: data with `padding` more frames than needed and random values in the padding; lengths"""
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


def random_value(rng, path: str, shape: tuple) -> np.ndarray:
    value = rng.normal(0, 0.7, shape).astype("float32")
    return abs(value) + np.float32(0.3) if path.endswith("variance") else value


class Network:
    """A network compiled once, in training mode: dropout masks are shared by all sequences."""

    def __init__(self, spec):
        import tensorflow as tf

        self.spec = spec

        rng = np.random.default_rng(0)
        self.variables = {
            path: tf.Variable(random_value(rng, path, param.shape)) for path, param in spec.params.items()
        }
        shapes = {"data": [None, None], "dense": [None, None, 5], "classes": [None, None], "align": [None, None]}
        floats = ("dense", "speaker")
        data = {
            key: tf.TensorSpec(shape, "float32" if key in floats else "int32")
            for key, shape in (shapes | {"speaker": [None, 3]}).items()
        }
        self.run = tf.function(
            self._run, autograph=False, input_signature=[data, {key: tf.TensorSpec([None], "int32") for key in shapes}]
        )

    def _run(self, data, lengths):
        import tensorflow as tf

        with tf.GradientTape() as tape:
            out = run_network(self.spec, self.variables, data, lengths, train=True, step=3)
            total = tf.add_n([loss.cost for loss in out.losses.values()])
        found = tape.gradient(total, self.variables, unconnected_gradients="zero")  # of running means
        gradients = {path: tf.convert_to_tensor(g) for path, g in found.items()}
        layers = {name: self._padded(x, out.lengths) for name, x in out.layers.items()}
        return layers, {name: tuple(loss) for name, loss in out.losses.items()}, gradients

    @staticmethod
    def _padded(x, lengths):
        """:return: [B, T, …] and its lengths; [B, …] and None without time; None and None without a batch, or lengths of each sequence"""
        times = [axis for axis in x.template.axes if axis.kind in ("time", "loop") and axis.size is None]
        if not x.template.batch or len(times) > 1 or any(axis.origin[0] == "history" for axis in times):
            return None, None
        rest = [axis for axis in x.template.axes if axis not in (x.template.batch, *times)]
        return x.ordered([x.template.batch, *times, *rest]), lengths[times[0].as_time()] if times else None

    def __call__(self, data, lengths):
        """:return: name → outputs without padding, one per sequence; losses; gradients"""
        layers, losses, gradients = self.run(data, lengths)
        cut = {}
        for name, (value, sizes) in layers.items():
            if value is not None:
                rows = list(value.numpy())
                cut[name] = rows if sizes is None else [row[:n] for row, n in zip(rows, sizes.numpy(), strict=True)]
        return cut, {k: np.array(v) for k, v in losses.items()}, {k: v.numpy() for k, v in gradients.items()}


IN_EVERY_RUN = ("layers", "attention")
SOME = [pytest.param(name, marks=() if name in IN_EVERY_RUN else pytest.mark.slow) for name in SPECS]


@pytest.fixture(scope="module", params=SOME)
def network(request):
    return Network(SPECS[request.param])


def test_every_layer_class_and_loss_is_covered():
    from boulder.network.layer import LAYERS
    from boulder.network.loss import LOSSES

    layers = list(every_layer(NETWORKS))
    assert {layer["class"] for layer in layers} == set(LAYERS)
    others = {"triplet_loss", "expected_loss"}  # one compares the sequences of a batch, one needs a search in training
    assert {layer.get("loss") for layer in layers} - {None} == set(LOSSES) - others


def every_layer(value):
    if isinstance(value, dict):
        if isinstance(value.get("class"), str):
            yield value
        for inner in value.values():
            yield from every_layer(inner)


@settings(max_examples=20, deadline=None)
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


class Search:
    """A beam search, compiled once."""

    def __init__(self):
        import tensorflow as tf

        self.spec = describe(SEARCH, EXTERN_DATA, "search")
        rng = np.random.default_rng(1)
        self.params = {p: rng.normal(0, 1.5, s.shape).astype("float32") for p, s in sorted(self.spec.params.items())}
        signature = [{"dense": tf.TensorSpec([None, None, 5])}, {"dense": tf.TensorSpec([None], "int32")}]
        self.run = tf.function(self._run, input_signature=signature, autograph=False)

    def _run(self, data, lengths):
        import tensorflow as tf

        params = {path: tf.constant(value) for path, value in self.params.items()}
        out = run_network(self.spec, params, data, lengths, losses=False)
        decision = out.layers["decision"]
        return decision.ordered(decision.template.axes), out.lengths[decision.template.time]

    def __call__(self, data, lengths):
        """:return: a list of labels per sequence"""
        labels, sizes = (x.numpy() for x in self.run({"dense": data["dense"]}, {"dense": lengths["dense"]}))
        return [row[:n].tolist() for row, n in zip(labels, sizes, strict=True)]


@pytest.fixture(scope="module")
def search():
    return Search()


@settings(max_examples=12, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    padding=st.integers(0, 4),
    seed=st.integers(0, 10**6),
)
def test_search_finds_the_same_labels_in_a_batch_and_alone(search, sizes, padding, seed):
    rng = np.random.default_rng(seed)
    sequences = [draw_sequence(rng, 1, 1, frames) for frames in sizes]
    labels = search(*batch_of(sequences, padding, rng))
    alone = [search(*batch_of([sequence], 0, rng))[0] for sequence in sequences]
    assert labels == alone
