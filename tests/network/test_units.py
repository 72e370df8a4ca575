"""Recurrent units follow their formulas, in `rec` and `rnn_cell`, over a sequence and in a loop."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.network import describe, run_network
from boulder.training.objective import l2_factors

EXTERN_DATA = {"data": {"dim": 3}, "classes": {"dim": 4, "sparse": True}}
N = 2


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def native_lstm(params, x, state):
    c, h = state
    z, i, f, o = np.split(x @ params["rec/W"] + h @ params["rec/W_re"] + params["rec/b"], 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(z)
    return c, sigmoid(o) * np.tanh(c)


def lstm_cell(name, forget_bias):
    def step(params, x, state):
        c, h = state
        gates = np.concatenate([x, h]) @ params[f"rec/{name}/kernel"] + params[f"rec/{name}/bias"]
        i, z, f, o = np.split(gates, 4)
        c = sigmoid(f + forget_bias) * c + sigmoid(i) * np.tanh(z)
        return c, sigmoid(o) * np.tanh(c)

    return step


def gru(params, x, state):
    (h,) = state
    gates = np.concatenate([x, h]) @ params["rec/gru_cell/gates/kernel"] + params["rec/gru_cell/gates/bias"]
    r, u = np.split(sigmoid(gates), 2)
    candidate = np.concatenate([x, r * h]) @ params["rec/gru_cell/candidate/kernel"]
    return (u * h + (1 - u) * np.tanh(candidate + params["rec/gru_cell/candidate/bias"]),)


FORMULAS = {
    ("rec", "lstm"): native_lstm,
    ("rec", "lstmp"): native_lstm,
    ("rec", "NativeLstm2"): native_lstm,
    ("rec", "LSTMBlock"): native_lstm,
    ("rec", "BasicLSTM"): lstm_cell("basic_lstm_cell", 1),
    ("rec", "StandardLSTM"): lstm_cell("lstm_cell", 1),
    ("rec", "GRU"): gru,
    ("rnn_cell", "LSTMBlock"): lstm_cell("lstm_cell", 1),
    ("rnn_cell", "BasicLSTM"): lstm_cell("basic_lstm_cell", 1),
    ("rnn_cell", "StandardLSTM"): lstm_cell("lstm_cell", 1),
    ("rnn_cell", "GRU"): gru,
}
KINDS = [("rec", "lstm"), ("rec", "StandardLSTM"), ("rec", "GRU"), ("rnn_cell", "BasicLSTM"), ("rnn_cell", "GRU")]


def unit(cls: str, name: str, **options) -> dict:
    return {"class": cls, "unit": name, "from": "data", "n_out": N, **options}


def loop(layer: dict, **options) -> dict:
    inside = {"s": {**layer, "from": ["data:source", "prev:t"]}, "t": {"class": "copy", "from": "s"}}
    output = {"class": "linear", "activation": "tanh", "n_out": 4, "from": ["s", "prev:s"], "is_output_layer": True}
    return {"output": {"class": "rec", "from": "data", "unit": {**inside, "output": output}, **options}}


def random_params(spec, seed: int = 0) -> dict:
    rng = np.random.default_rng(seed)
    return {path: rng.normal(0, 0.7, p.shape).astype("float32") for path, p in sorted(spec.params.items())}


def outputs(network: dict, x, lengths, params: dict | None = None) -> dict[str, np.ndarray]:
    """:return: layer → array, with its axes in the order of its template"""
    spec = describe(network, EXTERN_DATA)
    params = random_params(spec) if params is None else params
    lengths = np.array(lengths, "int32")
    result = run_network(spec, params, {"data": np.float32(x)}, {"data": lengths}, losses=False)
    return {name: t.ordered(t.template.axes).numpy() for name, t in result.layers.items()}


def by_formula(step, params: dict, x, state) -> tuple[np.ndarray, tuple]:
    """
    :param x: [T, input], one sequence
    :return: [T, n], and the last state
    """
    found = []
    for frame in np.float64(x):
        state = step(params, frame, state)
        found.append(state[-1])
    return np.array(found).reshape(len(x), N), state


def own(params: dict, layer: str) -> dict:
    return {path.removeprefix(f"{layer}/"): p for path, p in params.items() if path.startswith(f"{layer}/")}


def zeros(step) -> tuple:
    return (np.zeros(N),) * (1 if step is gru else 2)


@pytest.mark.parametrize(
    ("cls", "name", "direction"), [(*kind, way) for kind in FORMULAS for way in (1, -1) if way == 1 or kind[0] == "rec"]
)
def test_output_and_last_state_follow_the_formulas(cls, name, direction):
    step = FORMULAS[cls, name]
    count = len(zeros(step))
    network = {
        "s": unit(cls, name, **({"direction": direction} if cls == "rec" else {})),
        "output": {"class": "get_last_hidden_state", "from": "s", "n_out": count * N},
    }
    x, lengths = np.random.default_rng(1).normal(size=(4, 5, 3)), [5, 1, 3, 0]
    params = random_params(describe(network, EXTERN_DATA))
    found = outputs(network, x, lengths, params)
    for seq, length in enumerate(lengths):
        expected, last = by_formula(step, own(params, "s"), x[seq, :length][::direction], zeros(step))
        np.testing.assert_allclose(found["s"][seq, :length], expected[::direction], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(found["output"][seq], np.concatenate(last), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize("name", ["lstm", "GRU"])
def test_a_batch_without_frames_keeps_the_initial_state(name, direction):
    network = {
        "s": unit("rec", name, direction=direction, initial_state="ones"),
        "output": {"class": "get_last_hidden_state", "from": "s", "n_out": N if name == "GRU" else 2 * N},
    }
    found = outputs(network, np.zeros([2, 0, 3]), [0, 0])
    assert found["s"].shape == (2, 0, N)
    np.testing.assert_array_equal(found["output"], 1)


@pytest.mark.parametrize(("cls", "name"), FORMULAS)
def test_a_unit_steps_along_a_loop(cls, name):
    layer = unit(cls, name)
    network = {
        "output": {
            "class": "rec",
            "from": "data",
            "unit": {"output": {**layer, "from": ["prev:output", "data:source"]}},
        }
    }
    params = random_params(describe(network, EXTERN_DATA))
    x, step = np.random.default_rng(1).normal(size=(1, 4, 3)), FORMULAS[cls, name]
    state, expected = zeros(step), []
    for frame in x[0]:
        state = step(own(params, "output/rec/output"), np.concatenate([state[-1], frame]), state)
        expected.append(state[-1])
    np.testing.assert_allclose(outputs(network, x, [4], params)["output"][0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("initial", "expected"),
    [("var", None), ("ones", [1, 1]), (0, [0, 0]), ({"c": "ones", "h": 0}, [1, 0]), (["zeros", 1], [0, 1])],
)
def test_initial_state_is_the_state_before_the_first_frame(initial, expected):
    network = {"output": unit("rec", "lstm", initial_state=initial)}
    params = random_params(describe(network, EXTERN_DATA))
    x = np.random.default_rng(1).normal(size=(2, 3, 3))
    if expected is None:
        state = params["output/rec/initial_c"], params["output/rec/initial_h"]
    else:
        state = tuple(np.full(N, value) for value in expected)
    found = outputs(network, x, [3, 2], params)["output"]
    for seq, length in enumerate([3, 2]):
        frames, _ = by_formula(native_lstm, own(params, "output"), x[seq, :length], state)
        np.testing.assert_allclose(found[seq, :length], frames, rtol=1e-5, atol=1e-6)


def test_an_lstm_continues_from_the_last_state_of_another():
    whole = {"output": unit("rec", "lstm")}
    halves = {"first": unit("rec", "lstm"), "output": unit("rec", "lstm", initial_state="first")}
    params = random_params(describe(whole, EXTERN_DATA))
    both = {f"{layer}/{path}": p for layer in ("first", "output") for path, p in own(params, "output").items()}
    x = np.random.default_rng(1).normal(size=(1, 4, 3))
    twice = outputs(whole, np.concatenate([x, x], axis=1), [8], params)["output"]
    np.testing.assert_allclose(outputs(halves, x, [4], both)["output"], twice[:, 4:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("initial", [None, "var", "ones"])
@pytest.mark.parametrize(("cls", "name"), KINDS)
def test_moving_a_unit_out_of_its_loop_changes_no_output(cls, name, initial):
    """Including `prev:` references, whose first value is the initial state's, and the state after each frame."""
    layer = {**unit(cls, name, initial_state=initial), "from": "data:source"}
    count = 1 if name == "GRU" else 2
    inside = {
        "s": layer,
        "states": {"class": "get_last_hidden_state", "from": "s", "n_out": count * N, "is_output_layer": True},
        "output": {"class": "linear", "activation": "tanh", "n_out": 4, "from": ["s", "prev:s", "states"]},
    }
    moved = {"output": {"class": "rec", "from": "data", "unit": inside}}
    kept = {"output": {**moved["output"], "optimize_move_layers_out": False}}
    spec = describe(moved, EXTERN_DATA)
    assert spec.loops["output"].inside == ()
    assert set(describe(kept, EXTERN_DATA).loops["output"].inside) == {"s", "states", "output"}
    assert spec.params == describe(kept, EXTERN_DATA).params
    x = np.random.default_rng(1).normal(size=(2, 4, 3))
    found = [outputs(network, x, [4, 2])["output"] for network in (moved, kept)]
    for seq, length in enumerate([4, 2]):
        np.testing.assert_allclose(found[0][seq, :length], found[1][seq, :length], rtol=1e-5, atol=1e-6)


def test_a_reader_of_a_state_is_computed_where_its_source_is():
    """The reader stays in the loop, although its output does not feed back."""
    inside = {
        "s": {**unit("rnn_cell", "LSTMBlock"), "from": ["data:source", "prev:s"]},
        "after": {**unit("rec", "GRU"), "from": "s"},
        "c": {"class": "get_last_hidden_state", "from": ["s", "after"], "n_out": 3 * N, "key": "*"},
        "output": {"class": "linear", "activation": "tanh", "n_out": 4, "from": "c"},
    }
    network = {"output": {"class": "rec", "from": "data", "unit": inside}}
    loop = describe(network, EXTERN_DATA).loops["output"]
    assert (set(loop.inside), loop.after) == ({"s", "after", "c"}, ("output",))
    kept = {"output": {**network["output"], "optimize_move_layers_out": False}}
    x = np.random.default_rng(1).normal(size=(1, 4, 3))
    np.testing.assert_allclose(
        outputs(network, x, [4])["output"], outputs(kept, x, [4])["output"], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("between", [False, True])
def test_outputs_differ_between_frames_even_if_the_input_does_not(between):
    inside = {
        "v": {"class": "copy", "from": "base:v"},
        "output": {"class": "rnn_cell", "unit": "GRU", "n_out": N, "from": "v" if between else "base:v"},
    }
    network = {
        "s": unit("rec", "GRU"),
        "v": {"class": "get_last_hidden_state", "from": "s", "n_out": N},
        "output": {"class": "rec", "from": "data", "unit": inside},
    }
    assert describe(network, EXTERN_DATA).loops["output"].inside == ("output",)
    params = random_params(describe(network, EXTERN_DATA))
    found = outputs(network, np.random.default_rng(1).normal(size=(1, 3, 3)), [3], params)
    expected, _ = by_formula(gru, own(params, "output/rec/output"), [found["v"][0]] * 3, (np.zeros(N),))
    np.testing.assert_allclose(found["output"][0], expected, rtol=1e-5, atol=1e-6)


class Ragged:
    """A network of units and states, compiled once, with gradients."""

    def __init__(self):
        network = {
            **{f"{cls}{name}": unit(cls, name, initial_state="var") for cls, name in KINDS},
            "back": unit("rec", "GRU", direction=-1),
            "state": {"class": "get_last_hidden_state", "from": ["back", "recStandardLSTM"], "n_out": 3 * N},
            **loop(unit("rnn_cell", "LSTMBlock", initial_state={"c": "base:backs", "h": "base:backs"})),
            "backs": {"class": "get_last_hidden_state", "from": "back", "n_out": N},
            "all": {"class": "copy", "from": [f"{c}{n}" for c, n in KINDS], "loss": "as_is"},
        }
        network["state"]["is_output_layer"] = True
        network["output"]["loss"] = "as_is"
        self.spec = describe(network, EXTERN_DATA)
        self.variables = {path: tf.Variable(value) for path, value in random_params(self.spec).items()}
        self.run = tf.function(
            self._run, input_signature=[tf.TensorSpec([None, None, 3]), tf.TensorSpec([None], "int32")]
        )

    def _run(self, x, lengths):
        with tf.GradientTape() as tape:
            result = run_network(self.spec, self.variables, {"data": x}, {"data": lengths})
            total = tf.add_n([loss.cost for loss in result.losses.values()])
        gradients = tape.gradient(total, self.variables, unconnected_gradients="zero")
        layers = {name: result.layers[name] for name in ("output", "all", "state")}
        return {name: t.ordered(t.template.axes) for name, t in layers.items()}, gradients


@pytest.fixture(scope="module")
def ragged():
    return Ragged()


@pytest.mark.slow
@settings(max_examples=15, deadline=None, derandomize=True)
@given(lengths=st.lists(st.integers(1, 5), min_size=2, max_size=4), padding=st.integers(0, 3), seed=st.integers(0, 99))
def test_a_batch_is_the_sum_of_its_sequences(ragged, lengths, padding, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(len(lengths), max(lengths) + padding, 3)).astype("float32")
    layers, gradients = ragged.run(x, np.array(lengths, "int32"))
    summed = dict.fromkeys(gradients, 0.0)
    for seq, length in enumerate(lengths):
        own_layers, own_gradients = ragged.run(x[seq : seq + 1, :length], np.array([length], "int32"))
        for name in layers:
            expected = layers[name][seq] if name == "state" else layers[name][seq, :length]
            np.testing.assert_allclose(own_layers[name][0], expected, rtol=1e-5, atol=1e-5, err_msg=name)
        for path, gradient in own_gradients.items():
            summed[path] = summed[path] + tf.convert_to_tensor(gradient).numpy()
    for path, gradient in gradients.items():
        np.testing.assert_allclose(tf.convert_to_tensor(gradient), summed[path], rtol=1e-4, atol=1e-4, err_msg=path)


def test_weights_are_initialized_by_their_options():
    network = {
        "a": unit("rec", "lstm", forward_weights_init=0.5),
        "b": unit("rec", "GRU", recurrent_weights_init=0.25, forward_weights_init=0.5, bias_init=3.0),
        "c": unit("rnn_cell", "LSTMBlock", weights_init=0.1, L2=0.3),
        "output": {"class": "copy", "from": ["a", "b", "c"]},
    }
    spec = describe(network, EXTERN_DATA)
    assert {path: param.init for path, param in spec.params.items()} == {
        "a/rec/W": 0.5, "a/rec/W_re": 0.5, "a/rec/b": 0.0,
        "b/rec/gru_cell/gates/kernel": 0.25, "b/rec/gru_cell/gates/bias": 1.0,
        "b/rec/gru_cell/candidate/kernel": 0.25, "b/rec/gru_cell/candidate/bias": 0.0,
        "c/rec/lstm_cell/kernel": 0.1, "c/rec/lstm_cell/bias": 0.0,
    }  # fmt: skip
    assert l2_factors(spec).keys() == {"c/rec/lstm_cell/kernel", "c/rec/lstm_cell/bias"}


def test_dropout_applies_to_the_input_in_training_only():
    network = {"output": unit("rnn_cell", "GRU", dropout=0.9)}
    spec = describe(network, EXTERN_DATA)
    params, data, lengths = (
        random_params(spec),
        {"data": np.ones([1, 2, 3], "float32")},
        {"data": np.array([2], "int32")},
    )
    plain, trained = (
        run_network(spec, params, data, lengths, train=train).layers["output"].value.numpy() for train in (False, True)
    )
    dropped = [
        run_network(spec, params, {"data": data["data"] * mask * 10}, lengths).layers["output"].value.numpy()
        for mask in np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1], [1, 1, 1]])
    ]
    assert not np.allclose(plain, trained)
    assert any(np.allclose(trained, candidate, rtol=1e-4) for candidate in dropped)


def test_classes_are_vectors_with_a_1_for_the_class(random_params):
    unit = {"class": "rec", "unit": "nativelstm2", "n_out": 2}
    stepped = {
        "s": unit | {"from": ["data:source"]},
        "output": {"class": "linear", "from": ["s", "prev:output"], "n_out": 2},
    }
    layers = {
        "loop": {"class": "rec", "from": "data", "unit": stepped, "optimize_move_layers_out": False},
        "alone": unit | {"from": "data"},
        "output": {"class": "copy", "from": ["alone", "loop"]},
    }
    classes, lengths = tf.constant([[0, 4, 2], [3, 1, 0]]), tf.constant([3, 2])
    outputs = []
    for stream, data in (({"dim": 5, "sparse": True}, classes), ({"dim": 5}, tf.one_hot(classes, 5))):
        spec = describe(layers, {"data": stream})
        assert spec.params["alone/rec/W"].shape == spec.params["loop/rec/s/rec/W"].shape == (5, 8)
        result = run_network(spec, random_params(spec), {"data": data}, {"data": lengths})
        outputs.append(result.layers["output"].ordered(spec.layers["output"].template.axes).numpy())
    assert (outputs[0] == outputs[1]).all()
    assert np.abs(outputs[0]).max() > 0.01
