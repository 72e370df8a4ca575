"""`class_cross_entropy`: invalid classes, and the number of operations. For its numbers see test_own_gradients.py."""

import numpy as np
import pytest

from boulder.lazy import tf
from boulder.network.class_cross_entropy import class_cross_entropy

CLASSES = np.array([[0, 2, 1], [3, 3, 0]], "int32")
LOGITS = np.random.default_rng(1).normal(size=(2, 3, 4)).astype("float32")


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
