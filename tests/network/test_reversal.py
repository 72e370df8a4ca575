"""`reversal` and `in_order`: frames backwards as `tf.reverse_sequence` puts them, with its gradient."""

import numpy as np
import pytest

from boulder.lazy import tf
from boulder.network.reversal import in_order, reversal


@pytest.mark.parametrize("lengths", [[3, 5, 0, 1], [2], [0, 0], []])
def test_frames_and_gradients_are_those_of_reverse_sequence(lengths):
    frames = max(lengths, default=0)
    value, weights = np.random.default_rng(1).normal(size=(2, frames, len(lengths), 3)).astype("float32")
    lengths = tf.constant(lengths, tf.int32)

    def both(function):
        x = tf.constant(value)
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                result = function(x)
                total = tf.reduce_sum(weights * result**2)
            gradient = inner.gradient(total, x)
            squares = tf.reduce_sum(gradient**2)
        return result, gradient, outer.gradient(squares, x)

    order = reversal(lengths, tf.constant(frames))
    found = both(lambda x: in_order(x, order))
    for own, expected in zip(found, both(lambda x: tf.reverse_sequence(x, lengths, 0, 1)), strict=True):
        np.testing.assert_array_equal(own, expected)


def test_the_layers_of_a_network_share_the_order():
    from boulder.network import describe, run_network

    net = {"output": {"class": "copy", "from": ["b", "c"], "is_output_layer": True}}
    net |= {name: {"class": "rec", "unit": "lstm", "n_out": 2, "direction": -1, "from": "data"} for name in "bc"}
    spec = describe(net, {"data": {"dim": 3}})
    params = {path: tf.ones(param.shape) for path, param in spec.params.items()}

    @tf.function(autograph=False)
    def run(data, lengths):
        return run_network(spec, params, {"data": data}, {"data": lengths}).layers["output"].value

    traced = run.get_concrete_function(tf.TensorSpec([None, None, 3]), tf.TensorSpec([None], tf.int32)).graph
    gathers = [operation for operation in traced.get_operations() if operation.type == "GatherV2"]
    assert len(gathers) == 4
    assert len({gather.inputs[1].ref() for gather in gathers}) == 1
