"""The GRU's gradient over whole sequences is that of its formulas."""

import numpy as np
import pytest
import tensorflow as tf

from boulder.network import describe, run_network

STREAMS = {"data": {"dim": 3}}


def gradients(direction: int, lengths: list[int], **options) -> list[np.ndarray]:
    """:return: the output, and the gradients in terms of parameters and data"""
    layer = {"class": "rec", "unit": "gru", "n_out": 4, "direction": direction, "initial_state": "var", "from": "data"}
    last = {"class": "get_last_hidden_state", "from": "output", "n_out": 4, "is_output_layer": True}
    spec = describe({"output": layer, "last": last}, STREAMS)
    rng = np.random.default_rng(3)
    params = {path: tf.constant(rng.normal(size=p.shape), tf.float32) for path, p in spec.params.items()}
    data = tf.constant(rng.normal(size=(len(lengths), max(lengths), 3)), tf.float32)
    watched = [data, *params.values()]
    with tf.GradientTape() as tape:
        tape.watch(watched)
        output = run_network(spec, params, {"data": data}, {"data": tf.constant(lengths)}, train=True, **options)
        found = [x.ordered(x.template.axes) for x in output.layers.values()]
        objective = tf.add_n([tf.reduce_sum(tf.sin(x)) for x in found])  # of the padding, too
    return [
        *(x.numpy() for x in found),
        *(x.numpy() for x in tape.gradient(objective, watched, unconnected_gradients="zero")),
    ]


@pytest.mark.parametrize(("direction", "lengths"), [(1, [5, 0, 3]), (-1, [5, 0, 3]), (1, [0, 0])])
def test_the_gradient_is_that_of_the_loop_of_steps(direction, lengths):
    found, expected = (gradients(direction, lengths, second_derivatives=twice) for twice in (False, True))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * max(1, np.abs(other).max(initial=0)))
    if max(lengths):
        assert all(np.any(value) for value in expected)


def test_products_are_rounded_in_mixed_precision():
    exact = gradients(1, [4, 2])
    rounded = gradients(1, [4, 2], precision="bfloat16")
    for one, other in zip(rounded, exact, strict=True):
        assert 0 < np.abs(one - other).max() < 0.05 * np.abs(other).max()
