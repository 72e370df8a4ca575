"""`rec`: outputs and gradients of the LSTM follow its formulas in both directions."""

import numpy as np
import pytest

LENGTHS = [5, 1, 3, 0]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(x, W, W_re, b):
    """
    z, i, f, o = x_t·W + y_{t-1}·W_re + b;  c_t = σ(f)·c_{t-1} + σ(i)·tanh(z);  y_t = σ(o)·tanh(c_t)

    :param x: [T, input], one sequence
    :return: [T, n]
    """
    y = c = np.zeros(W_re.shape[0])
    outputs = []
    for frame in x.astype("float64"):
        z, i, f, o = np.split(frame @ W + y @ W_re + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(z)
        y = sigmoid(o) * np.tanh(c)
        outputs.append(y)
    return np.array(outputs).reshape(len(x), W_re.shape[0])


@pytest.mark.parametrize("direction", [1, -1])
def test_output_follows_the_formulas(direction, run, values, random_batch, random_params, extern_data):
    from boulder.network import describe

    net = {"output": {"class": "rec", "unit": "nativelstm2", "n_out": 4, "direction": direction}}
    params = random_params(describe(net, extern_data))
    data, lengths = random_batch(LENGTHS)
    found = values(run(net, data, lengths, params))
    for seq, length in enumerate(LENGTHS):
        frames = data["data"][seq, :length][::direction]
        expected = lstm(frames, *(params[f"output/rec/{name}"] for name in ("W", "W_re", "b")))[::direction]
        np.testing.assert_allclose(found[seq, :length], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("direction", [1, -1])
def test_gradients_equal_finite_differences(direction, random_batch, extern_data, random_params):
    import tensorflow as tf

    from boulder.network import describe, run_network

    net = {"output": {"class": "rec", "n_out": 2, "direction": direction}}
    spec = describe(net, extern_data)
    data, lengths = random_batch([4, 2])
    mask = np.arange(4)[None, :, None] < np.array([4, 2])[:, None, None]
    weights = np.random.default_rng(1).normal(size=(2, 4, 2)).astype("float32") * mask
    params = random_params(spec)

    def objective(x, *arrays):
        output = run_network(spec, dict(zip(params, arrays, strict=True)), data | {"data": x}, lengths)
        return tf.reduce_sum(output.layers["output"].ordered(spec.layers["output"].template.axes) * weights)

    arguments = [tf.constant(data["data"]), *map(tf.constant, params.values())]
    computed, numeric = tf.test.compute_gradient(objective, arguments, delta=1e-2)
    for a, b in zip(computed, numeric, strict=True):
        np.testing.assert_allclose(a, b, atol=3e-3)


def test_a_batch_without_frames_has_an_output_without_frames(run, values, random_batch):
    net = {"output": {"class": "rec", "n_out": 4, "direction": -1}}
    assert values(run(net, *random_batch([0, 0]))).shape == (2, 0, 4)


def test_long_sequences_are_exact(run, values, random_batch, random_params, extern_data):
    from boulder.network import describe

    net = {"output": {"class": "rec", "n_out": 3}}
    params = random_params(describe(net, extern_data))
    data, lengths = random_batch([150])
    expected = lstm(data["data"][0], *(params[f"output/rec/{name}"] for name in ("W", "W_re", "b")))
    np.testing.assert_allclose(values(run(net, data, lengths, params))[0], expected, rtol=1e-4, atol=1e-5)


def test_rec_weight_dropout_drops_matrix_entries_in_all_frames_and_in_training_only(
    run, values, random_batch, extern_data, random_params
):
    from boulder.network import describe

    net = {"output": {"class": "rec", "n_out": 4, "unit_opts": {"rec_weight_dropout": 0.5}}}
    params = random_params(describe(net, extern_data))
    W, W_re, b = (params[f"output/rec/{name}"] for name in ("W", "W_re", "b"))
    data, lengths = random_batch([2])
    evaluated = values(run(net, data, lengths, params))
    np.testing.assert_allclose(evaluated[0], lstm(data["data"][0], W, W_re, b), rtol=1e-5, atol=1e-6)
    trained = values(run(net, data, lengths, params, train=True))
    np.testing.assert_allclose(
        trained[0, 0], evaluated[0, 0], rtol=1e-5
    )  # there is no recurrence before the first frame
    assert np.abs(trained[0, 1] - evaluated[0, 1]).max() > 1e-3
