"""The kernels of LSTMs compute the same outputs and gradients, and their choice depends on sizes alone."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from boulder.errors import NetworkError
from boulder.network import describe, run_network
from boulder.network.lstm_kernels import lstm_kernels
from boulder.network.units.lstm import LstmWeights
from boulder.network.units.lstm_cell import BasicLstmCell
from boulder.network.units.lstm_kernel import LOOP_FROM, fused, with_loop_gradient
from boulder.network.units.native_lstm import NativeLstm
from boulder.network.units.standard_lstm import StandardLstm
from boulder.returnn.provided.dims import SpatialDim

WINDOW = SpatialDim("window", 3)
STREAMS = {"data": {"dim": 3}}


def results(network: dict, lengths: list[int], train: bool = True, padding: bool = True, **options) -> list[np.ndarray]:
    """
    :param padding: whether the entries of the padding count
    :return: output and last states, and the gradients in terms of parameters and data
    """
    spec = describe(network, STREAMS)
    rng = np.random.default_rng(3)
    params = {path: tf.constant(rng.normal(size=p.shape, scale=0.5), tf.float32) for path, p in spec.params.items()}
    data = tf.constant(rng.normal(size=(len(lengths), max(lengths), 3)), tf.float32)
    watched = [data, *params.values()]
    mask = tf.maximum(tf.sequence_mask(lengths, dtype=tf.float32), float(padding))[..., None]

    @tf.function(autograph=False)
    def compute() -> list:
        with tf.GradientTape() as tape:
            tape.watch(watched)
            output = run_network(spec, params, {"data": data}, {"data": tf.constant(lengths)}, train=train, **options)
            found = [x.ordered(x.template.axes) for x in output.layers.values()]
            found = [x if x.shape.rank < 3 else x * mask for x in found]
            objective = tf.add_n([tf.reduce_sum(tf.sin(x)) for x in found])
        return [*found, *tape.gradient(objective, watched, unconnected_gradients="zero")]

    return [value.numpy() for value in compute()]


def layer(kernel: str, unit: str = "NativeLstm2", direction: int = 1, n: int = 4, **options) -> dict:
    return {
        "class": "rec", "unit": unit, "direction": direction, "n_out": n, "from": "data", "unit_opts": {"kernel": kernel},
        **options,
    }  # fmt: skip


def with_states(kernel: str, unit: str, direction: int, n: int) -> dict:
    """:return: a layer that begins with the last state of another, and the last state of both"""
    return {
        "first": layer(kernel, unit, direction, n, initial_state="var"),
        "output": layer(kernel, unit, -direction, n, initial_state="first"),
        "of_first": {"class": "get_last_hidden_state", "from": "first", "n_out": 2 * n, "is_output_layer": True},
        "last": {"class": "get_last_hidden_state", "from": "output", "n_out": 2 * n, "is_output_layer": True},
    }


def assert_equal(found: list, expected: list) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * max(1, np.abs(other).max(initial=0)))


def unrolled(x, c, h, matrix, bias, forget_bias: float):
    """The formulas of a step, frame by frame, with the arguments of the kernels."""
    unit, state, states = BasicLstmCell(forget_bias=forget_bias), {"c": c, "h": h}, []
    weights = LstmWeights(matrix[: x.shape[-1]], matrix[x.shape[-1] :], bias)
    for frame in range(x.shape[0]):
        state = unit.step(weights, unit.project(weights, x[frame]), state, None)
        states.append(state)
    return tuple(tf.reshape([state[key] for state in states], [*x.shape[:2], c.shape[-1]]) for key in "ch")


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 5), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.sampled_from([0.0, 1.0]))
def test_both_kernels_follow_the_formulas(frames, rows, n_in, n, forget_bias):
    rng = np.random.default_rng(3)
    shapes = [(frames, rows, n_in), (rows, n), (rows, n), (n_in + n, 4 * n), (4 * n,)]
    operands = [tf.constant(rng.normal(size=shape), tf.float32) for shape in shapes]
    of_c, of_h = (tf.constant(rng.normal(size=(frames, rows, n)), tf.float32) for _ in "ch")
    found = []
    for compute in (unrolled, fused, with_loop_gradient):
        with tf.GradientTape() as tape:
            tape.watch(operands)
            c, h = compute(*operands, forget_bias)
            objective = tf.reduce_sum(c * of_c) + tf.reduce_sum(h * of_h)
        found.append([c, h, *tape.gradient(objective, operands, unconnected_gradients="zero")])
    expected, *others = found
    for other in others:
        assert_equal(other, expected)


@pytest.mark.parametrize(
    ("unit", "direction"),
    [*(pytest.param(unit, 1, marks=pytest.mark.slow) for unit in ("NativeLstm2", "StandardLSTM")), ("BasicLSTM", -1)],
)
def test_layers_have_the_same_states_and_gradients(unit, direction):
    """In a batch of unequal lengths, with trained initial states and those of another layer."""
    loop, step = (results(with_states(kernel, unit, direction, 3), [4, 0, 2]) for kernel in ("loop", "step"))
    assert_equal(loop, step)
    assert all(np.any(value) for value in step)


def in_a_loop(kernel: str, **options) -> dict:
    """:return: a layer over the frames of a window, in each iteration of a loop"""
    unit = {
        "window": {"class": "window", "window_dim": WINDOW, "window_right": 0, "from": "prev:output"},
        "in": {**layer(kernel), "from": "window", "axis": WINDOW},
        "mean": {"class": "reduce", "mode": "mean", "axis": WINDOW, "from": "in"},
        "output": {"class": "combine", "kind": "add", "from": ["mean", "data:source"]},
    }
    encoder = {"class": "linear", "n_out": 4, "from": "data"}
    return {"encoder": encoder, "output": {"class": "rec", "from": "encoder", "unit": unit, **options}}


@pytest.mark.slow
def test_a_layer_within_the_iterations_of_a_loop_has_the_same_gradients():
    expected = results(in_a_loop("step"), [4, 2])
    assert_equal(results(in_a_loop("loop"), [4, 2]), expected)
    assert_equal(results(in_a_loop("loop", recompute=True), [4, 2]), expected)


def test_the_loop_is_chosen_by_the_number_of_weights():
    n = 64
    n_in = LOOP_FROM // (4 * n) - n
    assert NativeLstm().kernel_for(n_in, n) == "loop"
    assert NativeLstm().kernel_for(n_in - 1, n) == "fused"
    assert NativeLstm(kernel="fused").kernel_for(n_in, n) == "fused"
    assert NativeLstm().kernel_for(n_in, n, second_derivatives=True) == "step"
    assert StandardLstm().kernel_for(n_in, n) == "loop"
    assert StandardLstm(cell_clip=1.0).kernel_for(n_in, n) == "step"


def test_outside_of_training_there_is_no_gradient_but_tensorflows():
    loop, fused = (results({"output": layer(kernel)}, [3, 2], train=False) for kernel in ("loop", "fused"))
    for one, other in zip(loop, fused, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("unit", "options", "message"),
    [
        ("StandardLSTM", {"kernel": "loop", "use_peepholes": True}, "'kernel' 'loop' computes the LSTM without further options; expected 'step'"),
        ("ZoneoutLSTM", {"kernel": "fused"}, "'kernel' 'fused' computes the LSTM without further options"),
        ("lstm", {"kernel": "lop"}, "'kernel'.*'lop'"),
        ("gru", {"kernel": "loop"}, "kernel"),
    ],
)  # fmt: skip
def test_wrong_kernels_are_errors(unit, options, message):
    with pytest.raises(NetworkError, match=message):
        describe({"output": {"class": "rec", "unit": unit, "n_out": 4, "unit_opts": options}}, STREAMS)


@pytest.mark.parametrize("kernel", ["fused", "loop"])
def test_a_kernel_without_second_derivatives_is_an_error_where_they_are_needed(kernel):
    with pytest.raises(NetworkError, match=f"'kernel' '{kernel}' has no second derivative.*expected 'step'"):
        results({"output": layer(kernel)}, [3, 2], second_derivatives=True)


def test_the_norm_of_the_gradient_has_a_gradient():
    spec = describe({"output": {"class": "rec", "n_out": 2, "from": "data"}}, STREAMS)
    rng = np.random.default_rng(3)
    data = tf.constant(rng.normal(size=(2, 3, 3)), tf.float32)
    params = [tf.constant(rng.normal(size=p.shape), tf.float32) for p in spec.params.values()]

    def norm(*values, second_derivatives=False):
        with tf.GradientTape() as tape:
            tape.watch(values)
            params = dict(zip(spec.params, values, strict=True))
            options = {"train": True, "second_derivatives": second_derivatives}
            output = run_network(spec, params, {"data": data}, {"data": tf.constant([3, 2])}, **options)
            objective = tf.reduce_sum(output.layers["output"].value ** 2)
        return tf.linalg.global_norm(tape.gradient(objective, values))

    with tf.GradientTape() as tape:
        tape.watch(params)
        value = norm(*params, second_derivatives=True)
    slopes = tape.gradient(value, params)
    directions = [rng.normal(size=p.shape).astype("float32") * 1e-2 for p in params]
    after, before = (norm(*(p + sign * d for p, d in zip(params, directions, strict=True))) for sign in (1, -1))
    expected = sum(float(tf.reduce_sum(s * d)) for s, d in zip(slopes, directions, strict=True))
    np.testing.assert_allclose(float(after - before) / 2, expected, rtol=1e-2)


def test_a_network_says_which_kernels_it_uses():
    net = {
        "large": {"class": "rec", "n_out": 128, "from": "data"},
        "small": {"class": "rec", "n_out": 4, "from": "large"},
        "step": {"class": "rec", "unit": "ZoneoutLSTM", "n_out": 4, "from": "small"},
        "gru": {"class": "rec", "unit": "GRU", "n_out": 4, "from": "step"},
        "output": layer("loop", "BasicLSTM") | {"from": "gru"},
    }
    assert (
        lstm_kernels(describe(net, STREAMS)) == "LSTM kernels: loop for 2 layers, fused for 1 layer, step for 1 layer"
    )
    assert lstm_kernels(describe({"output": {**net["gru"], "from": "data"}}, STREAMS)) == ""
