"""Activation functions by the names that RETURNN's `get_activation_function` takes."""

from boulder.errors import NetworkError, nearest
from boulder.lazy import tf
from boulder.network.template import Template

ACTIVATIONS = {
    "identity": lambda x: x,
    "none": lambda x: x,
    "relu": lambda x: tf.nn.relu(x),
    "elu": lambda x: tf.nn.elu(x),
    "selu": lambda x: tf.nn.selu(x),
    "gelu": lambda x: tf.nn.gelu(x),  # not the tanh form: RETURNN has one under this name, but finds TensorFlow's first
    "swish": lambda x: tf.nn.silu(x),
    "silu": lambda x: tf.nn.silu(x),
    "tanh": lambda x: tf.tanh(x),
    "sigmoid": lambda x: tf.sigmoid(x),
    "softplus": lambda x: tf.nn.softplus(x),
    "log_sigmoid": lambda x: tf.math.log_sigmoid(x),
    "exp": lambda x: tf.exp(x),
    "log": lambda x: tf.math.log(x),
    "safe_log": lambda x: tf.math.log(tf.maximum(x, 1e-20)),
    "abs": lambda x: tf.abs(x),
    "square": lambda x: tf.square(x),
    "sqrt": lambda x: tf.sqrt(x),
    "softmax": lambda x: tf.nn.softmax(x),
    "log_softmax": lambda x: tf.nn.log_softmax(x),
}


_LINEAR = (None, "identity", "none")
_OVER_FEATURES = ("softmax", "log_softmax")


def check(name: str | None, template: Template, where: str) -> None:
    """
    :param template: of what it is applied to
    :raises NetworkError: if `name` is no activation function, or not for that
    """
    if name in _LINEAR:
        return
    if name not in ACTIVATIONS:
        raise NetworkError(f"{where}: unknown activation {name!r}{nearest(name, ACTIVATIONS)}")
    if not template.dtype.startswith("float"):
        raise NetworkError(f"{where}: activation {name!r} needs float values, found {template}")
    if name in _OVER_FEATURES and template.feature is None:
        raise NetworkError(f"{where}: activation {name!r} needs a feature axis, found {template}")


def apply(name: str | None, x):
    """
    :param x: tensor whose last axis is the feature axis
    :return: the function of that name, of `x`
    """
    return ACTIVATIONS[name or "identity"](x)
