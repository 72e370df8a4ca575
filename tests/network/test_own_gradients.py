"""The gradients that replace those of TensorFlow are the same numbers, and can be differentiated themselves."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.network.class_cross_entropy import class_cross_entropy
from boulder.network.layers.layer_norm import normalized
from boulder.network.masked_softmax import masked_softmax, softmax_over_seen
from boulder.network.silu import silu

SHAPE = [2, 3, 5]
CLASSES = tf.constant([[0, 2, 1], [4, 4, 0]])
MASK = tf.sequence_mask([5, 2], 5)[:, None]  # [2, 1, 5]


def plain_norm(x, scale, bias):
    # in `tf.nn.moments`, the second derivative is not the true one
    centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
    return centred / tf.sqrt(tf.reduce_mean(centred**2, axis=-1, keepdims=True) + 1e-3) * scale + bias


def plain_softmax(x, mask=MASK):
    return tf.where(mask, tf.nn.softmax(tf.where(mask, x, -1e30)), 0)


def plain_cross_entropy(x):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=CLASSES, logits=x)


CASES = {
    "layer norm": (lambda x, *params: normalized(x, *params, 1e-3), plain_norm, [SHAPE, SHAPE[-1:], SHAPE[-1:]]),
    "layer norm of a vector": (lambda x, *params: normalized(x, *params, 1e-3), plain_norm, [SHAPE[-1:]] * 3),
    "silu": (silu, tf.nn.silu, [SHAPE]),
    "masked softmax": (lambda x: masked_softmax(x, MASK), plain_softmax, [SHAPE]),
    "cross-entropy": (lambda x: class_cross_entropy(CLASSES, x), plain_cross_entropy, [SHAPE]),
    "softmax over seen": (lambda x: softmax_over_seen(x, MASK), plain_softmax, [SHAPE]),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_first_and_second_derivatives_are_those_of_tensorflow(name):
    own, plain, shapes = CASES[name]
    values = [tf.constant(np.random.default_rng(i).normal(size=shape), tf.float32) for i, shape in enumerate(shapes)]

    @tf.function(autograph=False)
    def derivatives(function):
        with tf.GradientTape() as second:
            second.watch(values)
            with tf.GradientTape() as first:
                first.watch(values)
                result = function(*values)
                cost = tf.reduce_sum(tf.sin(result))
            gradients = first.gradient(cost, values)
            total = tf.add_n([tf.reduce_sum(tf.sin(gradient)) for gradient in gradients])
        return [result, *gradients, *second.gradient(total, values, unconnected_gradients="zero")]

    for found, expected in zip(derivatives(own), derivatives(plain), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_softmax_takes_tensors_of_more_axes_than_that_of_tensorflow():
    x = tf.constant(np.random.default_rng(1).normal(size=(1, 2, 1, 2, 1, 2, 3)), tf.float32)
    expected = tf.nn.softmax(tf.reshape(x, [8, 3]))
    for weights in (masked_softmax(x), softmax_over_seen(x), softmax_over_seen(x, tf.ones([1, 3], tf.bool))):
        np.testing.assert_allclose(tf.reshape(weights, [8, 3]), expected, rtol=1e-6)


def test_a_row_that_sees_nothing_has_weights_0_or_finite_ones():
    x, nothing = tf.fill([1, 3], 1e38), tf.zeros([1, 3], tf.bool)
    for function, expected in ((masked_softmax, 0), (softmax_over_seen, 1 / 3)):
        with tf.GradientTape() as tape:
            tape.watch(x)
            weights = function(x, nothing)
            total = tf.reduce_sum(weights * x)
        np.testing.assert_allclose(weights, tf.fill([1, 3], float(expected)))
        assert np.isfinite(tape.gradient(total, x)).all()


def test_what_is_masked_has_no_gradient_and_no_weight_whatever_it_is():
    for function in (masked_softmax, softmax_over_seen):
        for entry in (np.inf, -np.inf, np.nan, 3e38):
            x = tf.constant([[1.0, 2.0, entry]])
            with tf.GradientTape() as tape:
                tape.watch(x)
                weights = function(x, tf.constant([[True, True, False]]))
                first = weights[:, 0]
            assert weights.numpy()[0, 2] == 0
            gradient = tape.gradient(first, x).numpy()
            assert gradient[0, 2] == 0
            assert gradient[0, 0] > 0 > gradient[0, 1]
