"""Products in 16 bits: which operations are rounded, and how far results and gradients move."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe, run_network
from boulder.network.precision import PRECISIONS, active_precision, in_precision, product

STREAMS = {"data": {"dim": 6}}
LAYERS = {
    "linear": {"class": "linear", "n_out": 4, "activation": "tanh"},
    "conv": {"class": "conv", "filter_size": (3,), "padding": "same", "n_out": 4, "with_bias": True},
    "conv in groups": {"class": "conv", "filter_size": (3,), "padding": "same", "n_out": 6, "groups": 6, "with_bias": True},
    "attention": {"class": "self_attention", "num_heads": 2, "total_key_dim": 4, "n_out": 4},
    "dot": {"class": "dot", "from": ["data", "data"], "red1": "T", "red2": "T", "var1": "F", "var2": "static:-1"},
    "gru": {"class": "rec", "unit": "gru", "n_out": 4},
    "lstm in a loop": {
        "class": "rec",
        "unit": {
            "output": {"class": "rnn_cell", "unit": "lstmblock", "n_out": 4, "from": ["data:source", "prev:again"]},
            "again": {"class": "activation", "activation": "tanh", "from": "output"},
        },
    },
}  # fmt: skip


def result(layer: dict, precision: str | None):
    """:return: the output, and the gradients of the sum of its squares"""
    spec = describe({"output": {"from": "data", "is_output_layer": True, **layer}}, STREAMS)
    random = np.random.default_rng(4)
    values = {path: random.normal(size=param.shape, scale=0.5) for path, param in sorted(spec.params.items())}
    data = {"data": tf.constant(random.normal(size=(2, 5, 6)), tf.float32)}
    variables = {path: tf.Variable(value, dtype=tf.float32) for path, value in values.items()}
    with tf.GradientTape() as tape:
        output = run_network(spec, variables, data, {"data": tf.constant([5, 3])}, train=True, precision=precision)
        value = output.layers["output"].value
        objective = tf.reduce_sum(tf.square(value))
    return value, tape.gradient(objective, list(variables.values()))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", LAYERS)
def test_results_and_gradients_are_float32_and_close_but_not_equal(name, precision):
    exact, of_exact = result(LAYERS[name], None)
    rounded, of_rounded = result(LAYERS[name], precision)
    error = {"bfloat16": 0.03, "float16": 0.005}[precision]
    for old, new in zip([exact, *of_exact], [rounded, *of_rounded], strict=True):
        assert new.dtype == tf.float32
        assert 0 < abs(new - old).numpy().max() <= error * abs(old).numpy().max()


def test_operands_of_other_types_and_operations_outside_of_the_context_stay_exact():
    a = tf.constant([[1.0, 1e-4], [3.0, 4.0]])
    exact = tf.matmul(a, a)
    with in_precision("bfloat16"):
        assert (product(tf.matmul, a, a).numpy() != exact.numpy()).any()
        doubles = tf.cast(a, tf.float64)
        assert product(tf.matmul, doubles, doubles).dtype == tf.float64
        with in_precision(None):
            assert (product(tf.matmul, a, a).numpy() == exact.numpy()).all()
    assert active_precision() is None
    assert (product(tf.matmul, a, a).numpy() == exact.numpy()).all()


def test_an_lstm_over_whole_sequences_stays_in_float32():
    layer = {"class": "rec", "unit": "nativelstm2", "n_out": 4}
    (exact, _), (other, _) = result(layer, None), result(layer, "bfloat16")
    assert (exact.numpy() == other.numpy()).all()
