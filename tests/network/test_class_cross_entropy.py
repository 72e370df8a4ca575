"""`class_cross_entropy`: numbers and both derivatives of TensorFlow's cross-entropy, from few operations."""

import numpy as np
import pytest

from boulder.lazy import tf
from boulder.network.class_cross_entropy import class_cross_entropy

CLASSES = np.array([[0, 2, 1], [3, 3, 0]], "int32")
LOGITS = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")
WEIGHTS = np.random.default_rng(2).normal(size=(2, 3)).astype("float32")


def of_tensorflow(classes, logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=classes, logits=logits)


def cost_and_derivatives(function):
    """:return: cost of each frame, gradient of their weighted sum, and the gradient of its norm"""

    @tf.function(autograph=False)
    def compute(logits):
        with tf.GradientTape() as outer:
            outer.watch(logits)
            with tf.GradientTape() as inner:
                inner.watch(logits)
                cost = function(tf.constant(CLASSES), logits)
                total = tf.reduce_sum(WEIGHTS * cost**2)
            gradient = inner.gradient(total, logits)
            norm = tf.norm(gradient)
        return cost, gradient, outer.gradient(norm, logits)

    return compute(tf.constant(LOGITS))


def test_cost_gradient_and_its_gradient_are_those_of_tensorflow():
    for found, expected in zip(
        cost_and_derivatives(class_cross_entropy), cost_and_derivatives(of_tensorflow), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("invalid", [-1, 4])
def test_an_invalid_class_is_an_error_on_a_cpu(invalid):
    classes = CLASSES.copy()
    classes[1, 1] = invalid
    with tf.device("CPU"), pytest.raises(tf.errors.InvalidArgumentError, match=rf"{invalid} is not in \[0, 4\)"):
        class_cross_entropy(tf.constant(classes), tf.constant(LOGITS))


def test_the_gradient_takes_few_operations():
    @tf.function(autograph=False)
    def gradient(logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            cost = class_cross_entropy(tf.constant(CLASSES), logits)
        return tape.gradient(cost, logits)

    traced = gradient.get_concrete_function(tf.TensorSpec([None, None, 4])).graph.get_operations()
    assert "UnsortedSegmentSum" not in {operation.type for operation in traced}  # of the gradient of `tf.gather`
