"""Activation functions, by name and as expressions."""

import numpy as np
import pytest

from boulder.network import activations


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


X = np.array([[-7.0, -1.5, -0.25, 0.5, 3.0]], "float32")
CASES = {
    "2 * sigmoid": lambda x: 2 * sigmoid(x),
    "2 * sigmoid - 1": lambda x: 2 * sigmoid(x) - 1,
    "1 - sigmoid / 2": lambda x: 1 - sigmoid(x) / 2,
    "relu * tanh": lambda x: np.maximum(x, 0) * np.tanh(x),
    "1e-3 + abs": lambda x: 1e-3 + np.abs(x),
    "0.5 * softmax": lambda x: 0.5 * np.exp(x) / np.exp(x).sum(),
    "tf.maximum(x, 0.1)": lambda x: np.maximum(x, 0.1),
    "tf.log(tf.to_float(tf.abs(x)))": lambda x: np.log(np.abs(x)),
    "tf.add_n([max([x, x], key=lambda y: 0), x])": lambda x: 2 * x,
    "gelu2": lambda x: x * sigmoid(1.702 * x),
    "neg": lambda x: -x,
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "log1p": lambda x: np.log1p(x),
    "reciprocal": lambda x: 1 / x,
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_an_activation_follows_its_formula(name):
    np.testing.assert_allclose(activations.apply(name, X), CASES[name](X), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("safe_log", {"eps": 0.25}, np.log(np.maximum(X, 0.25))),
        ("leaky_relu", {"alpha": 0.5}, np.where(X > 0, X, 0.5 * X)),
        ("gelu", {"approximate": True}, 0.5 * X * (1 + np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3)))),
    ],
)
def test_the_options_of_an_activation(name, options, expected):
    np.testing.assert_allclose(activations.apply(name, X, options), expected, rtol=1e-5, atol=1e-6)


def test_every_activation_has_finite_gradients_where_it_is_defined():
    import tensorflow as tf

    x = tf.Variable([[0.5, 1.5]])
    for name in activations.ACTIVATIONS:
        with tf.GradientTape() as tape:
            y = activations.apply(name, x)
        assert y.shape == x.shape
        gradient = tape.gradient(y, x)
        assert gradient is None or np.isfinite(gradient).all(), name


BAD = [
    ("rleu", "unknown activation 'rleu'; did you mean 'relu'?"),
    ("2 * sigmoidd", "unknown activation 'sigmoidd' in '2 * sigmoidd'; did you mean 'sigmoid'?"),
    ("-1 * relu", None),
    ("2 *", None),
    ("relu ** 2", None),
    ("tf.nn.relu(y)", "activation 'tf.nn.relu(y)' may use the names 'x' and 'tf', found 'y'"),
    ("tf.nn.relu(x", None),
]


@pytest.mark.parametrize(("name", "message"), BAD)
def test_message(name, message, extern_data):
    from boulder.errors import NetworkError
    from boulder.network import describe

    with pytest.raises(NetworkError) as caught:
        describe({"output": {"class": "activation", "from": "data", "activation": name}}, extern_data)
    expected = message or f"unknown activation {name!r}"
    assert str(caught.value).startswith(f"layer 'output' (activation): {expected}")


def test_an_expression_with_softmax_needs_a_feature_axis(check_message):
    check_message(
        {"output": {"class": "activation", "from": "data:number", "activation": "2 * softmax"}},
        "layer 'output' (activation): activation '2 * softmax' needs a feature axis, found [batch, time:number] float32",
    )
